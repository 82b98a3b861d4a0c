' The same with objects whose default member takes the call.
Option Explicit
Dim session, searcher, found, update, titles, installer, job, done, removed, entry, percent, downloader
done = False : removed = False : percent = -1

Class Progress
    Public Default Function Call_(job, args)
        percent = args.Progress.PercentComplete
    End Function
End Class

Class Completed
    Public Default Function Call_(job, args)
        Dim result
        Set result = installer.EndInstall(job)
        WScript.Echo "installed " & result.ResultCode & " " & result.RebootRequired & " " & TypeName(job.AsyncState) & " " & job.IsCompleted
        done = True
    End Function
End Class

Class Failing
    Public Default Function Call_() ' takes no parameters: each call must fail, and the job goes on
        WScript.Echo "never"
    End Function
End Class

Set session = CreateObject("Wua.Update.Session")
Set searcher = session.CreateUpdateSearcher()
Set found = searcher.Search("IsInstalled=0 and DeploymentAction=*")
For Each update In found.Updates
    titles = titles & update & "|"
Next
WScript.Echo titles & " " & found.Updates(0).Identity.RevisionNumber & " " & VarType(found.Updates(0).MaxDownloadSize) & " " & VarType(found.Updates(0).Deadline)
Set downloader = session.CreateUpdateDownloader()
downloader.Updates = found.Updates
WScript.Echo "downloaded " & downloader.Download().ResultCode
Set installer = session.CreateUpdateInstaller()
installer.Updates = found.Updates
Set job = installer.BeginInstall(New Progress, New Completed, CInt(7))
job.CleanUp ' waits for the job and its callback, and lets callbacks in meanwhile
WScript.Echo "percent " & percent & " state " & job.AsyncState & " " & done
installer.Updates = searcher.Search("IsInstalled=1").Updates
Set job = installer.BeginUninstall(New Failing, New Failing, Empty)
WScript.Echo "removed " & installer.EndUninstall(job).ResultCode & " " & VarType(job.AsyncState)
job.CleanUp
WScript.Echo "history " & searcher.GetTotalHistoryCount()

On Error Resume Next
searcher.Search "Type=Software"
WScript.Echo Hex(Err.Number) & " " & (Len(Err.Description) > 20) & " " & Err.Source
Err.Clear
installer.BeginInstall
WScript.Echo Hex(Err.Number)
Err.Clear
searcher.Online = "perhaps"
WScript.Echo Hex(Err.Number)
Err.Clear
found.NoSuchMember
WScript.Echo Hex(Err.Number)
