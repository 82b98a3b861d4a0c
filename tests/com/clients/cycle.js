// Over real packages: search, download, abort, install, uninstall, history; late-bound, functions as callbacks.
var session = new ActiveXObject("Microsoft.Update.Session");
session.ClientApplicationID = "cycle";
var searcher = session.CreateUpdateSearcher();
var percent, completed, result;

function search(criteria) { return searcher.Search(criteria).Updates; }
function progress(job, args) { percent = args.Progress.PercentComplete; }
function done(job, end) { completed++; result = end(job).ResultCode; }
function start(agent, updates) { agent.Updates = updates; percent = -1; completed = 0; }

var updates = search("IsInstalled=0 and DeploymentAction=*");
for (var i = 0; i < updates.Count; i++) WScript.Echo("found " + updates.Item(i).Title);

var downloader = session.CreateUpdateDownloader();
start(downloader, updates);
downloader.BeginDownload(progress, function (job) { done(job, function (job) { return downloader.EndDownload(job); }); }, null).CleanUp();
WScript.Echo("downloaded " + result + " progress " + percent + " completed " + completed);

var installer = session.CreateUpdateInstaller();
function installed(job) { done(job, function (job) { return installer.EndInstall(job); }); }
start(installer, updates);
var job = installer.BeginInstall(progress, installed, null);
job.RequestAbort();
job.CleanUp();
WScript.Echo("aborted " + result + " completed " + completed + " installed " + search("IsInstalled=1 and Name='editor'").Count);

start(installer, updates);
installer.BeginInstall(progress, installed, null).CleanUp();
WScript.Echo("installed " + result + " progress " + percent + " completed " + completed);

start(installer, search("IsInstalled=1 and Name='editor'"));
WScript.Echo("removed " + installer.Uninstall().ResultCode);

var count = searcher.GetTotalHistoryCount(), history = searcher.QueryHistory(0, count);
for (var i = 0; i < count; i++) {
    var entry = history.Item(i);
    WScript.Echo("history " + entry.Title + " " + entry.Operation + " " + entry.ResultCode + " " + entry.ClientApplicationID);
}
