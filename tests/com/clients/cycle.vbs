' The same with objects whose default member takes the call.
Option Explicit
Dim session, searcher, downloader, installer, updates, update, job, entry, percent, completed, result

Class Progress
    Public Default Function Call_(job, args)
        percent = args.Progress.PercentComplete
    End Function
End Class

Class Downloaded
    Public Default Function Call_(job, args)
        completed = completed + 1
        result = downloader.EndDownload(job).ResultCode
    End Function
End Class

Class Installed
    Public Default Function Call_(job, args)
        completed = completed + 1
        result = installer.EndInstall(job).ResultCode
    End Function
End Class

Function Search(criteria)
    Set Search = searcher.Search(criteria).Updates
End Function

Sub Start(agent, updates)
    agent.Updates = updates
    percent = -1 : completed = 0
End Sub

Set session = CreateObject("Microsoft.Update.Session")
session.ClientApplicationID = "cycle"
Set searcher = session.CreateUpdateSearcher()
Set updates = Search("IsInstalled=0 and DeploymentAction=*")
For Each update In updates
    WScript.Echo "found " & update.Title
Next
Set downloader = session.CreateUpdateDownloader()
Start downloader, updates
Set job = downloader.BeginDownload(New Progress, New Downloaded, Empty)
job.CleanUp
WScript.Echo "downloaded " & result & " progress " & percent & " completed " & completed

Set installer = session.CreateUpdateInstaller()
Start installer, updates
Set job = installer.BeginInstall(New Progress, New Installed, Empty)
job.RequestAbort
job.CleanUp
WScript.Echo "aborted " & result & " completed " & completed & " installed " & Search("IsInstalled=1 and Name='editor'").Count

Start installer, updates
Set job = installer.BeginInstall(New Progress, New Installed, Empty)
job.CleanUp
WScript.Echo "installed " & result & " progress " & percent & " completed " & completed

Start installer, Search("IsInstalled=1 and Name='editor'")
WScript.Echo "removed " & installer.Uninstall().ResultCode
For Each entry In searcher.QueryHistory(0, searcher.GetTotalHistoryCount())
    WScript.Echo "history " & entry.Title & " " & entry.Operation & " " & entry.ResultCode & " " & entry.ClientApplicationID
Next
