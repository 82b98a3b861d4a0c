// Search, download, install with callbacks, uninstall, history: late-bound, with functions as callbacks.
var session = new ActiveXObject("Microsoft.Update.Session");
session.ClientApplicationID = "whole.js";
var searcher = session.createupdatesearcher();
var found = searcher.Search("IsInstalled=0 and DeploymentAction=*");
WScript.Echo("found " + found.ResultCode + " " + found.Updates.Count);
var e = new Enumerator(found.Updates), titles = [];
for (; !e.atEnd(); e.moveNext()) titles.push(e.item().Title);
WScript.Echo(titles.join("|") + " first " + found.Updates(0).Title + " default " + found.Updates.Item(0));

var downloader = session.CreateUpdateDownloader();
downloader.Updates = found.Updates;
var downloaded = null, progress = 0;
var job = downloader.BeginDownload(function (job, args) { progress = args.Progress.PercentComplete; },
    function (job, args) { downloaded = downloader.EndDownload(job); }, "a state");
job.CleanUp(); // waits for the job and its callback, and lets callbacks in meanwhile
WScript.Echo("downloaded " + downloaded.ResultCode + " progress " + progress + " state " + job.AsyncState + " " + job.IsCompleted);

var installer = session.CreateUpdateInstaller();
installer.Updates = found.Updates;
var installed = null, last = 0, rising = true, state = { value: 42 };
job = installer.BeginInstall(function (job, args) {
    var percent = args.Progress.PercentComplete;
    rising = rising && percent >= last && !installed;
    last = percent;
}, function (job, args) { installed = installer.EndInstall(job); }, state);
job.CleanUp();
WScript.Echo("installed " + installed.ResultCode + " " + installed.GetUpdateResult(0).HResult + " last " + last + " rising " + rising);
WScript.Echo("state " + (job.AsyncState === state) + " " + job.AsyncState.value);
try { installer.EndInstall(job); } catch (error) { WScript.Echo("again " + (error.number >>> 0).toString(16) + " " + error.description); }

var removable = searcher.Search("IsInstalled=1").Updates;
installer.Updates = removable;
var removed = null;
job = installer.BeginUninstall(null, function (job) { removed = installer.EndUninstall(job); }, null);
job.CleanUp();
WScript.Echo("removed " + removed.ResultCode);
var count = searcher.GetTotalHistoryCount(), history = searcher.QueryHistory(0, count);
for (var i = 0; i < count; i++) {
    var entry = history.Item(i);
    WScript.Echo("history " + entry.Title + " " + entry.Operation + " " + entry.ResultCode + " " + entry.ClientApplicationID);
}
