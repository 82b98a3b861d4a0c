// Many jobs one after the other, in an apartment that is only ever in calls that wait.
var session = new ActiveXObject("Microsoft.Update.Session");
var searcher = session.CreateUpdateSearcher(), installer = session.CreateUpdateInstaller();
var completed = 0, moved = 0;
for (var i = 0; i < 60; i++) {
    installer.Updates = searcher.Search("IsInstalled=" + i % 2).Updates;
    var begin = i % 2 ? "BeginUninstall" : "BeginInstall";
    var job = installer[begin](function () { moved++; }, function (job) { installer["End" + begin.substr(5)](job); completed++; }, null);
    job.CleanUp();
}
WScript.Echo("completed " + completed + " moved " + (moved > 60));
