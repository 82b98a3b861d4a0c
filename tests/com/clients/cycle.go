// Over real packages: search, download, abort, install, uninstall, history; late-bound with nothing but
// system calls, and callbacks that Go implements. usage: cycle.exe mta|sta
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"
)

type guid struct {
	a    uint32
	b, c uint16
	d    [8]byte
}

type variant struct {
	kind, _, _, _ uint16
	value, _      uintptr
}

type parameters struct {
	values       *variant // the last one first
	names        *int32
	count, named uint32
}

const (
	vtEmpty, vtI4, vtText, vtObject = 0, 3, 8, 9
	method, get, put                = 1, 2, 4
	noInterface, notImplemented     = 0x80004002, 0x80004001
)

var (
	ole, automation = syscall.NewLazyDLL("ole32.dll"), syscall.NewLazyDLL("oleaut32.dll")
	none            guid
	unknown         = guid{0, 0, 0, [8]byte{0xC0, 7: 0x46}}
	dispatch        = guid{0x20400, 0, 0, [8]byte{0xC0, 7: 0x46}}
)

func check(what string, result uintptr) {
	if int32(result) < 0 {
		fmt.Printf("failed: %s 0x%08X\n", what, uint32(result))
		os.Exit(3)
	}
}

func wide(text string) *uint16 {
	found, _ := syscall.UTF16PtrFromString(text)
	return found
}

// --- objects of others

type object uintptr

var (
	guard sync.Mutex
	held  []object // until the end: each that was answered
)

//go:uintptrescapes
func (o object) slot(number int, given ...uintptr) uintptr {
	table := *(**[8]uintptr)(unsafe.Pointer(o))
	result, _, _ := syscall.SyscallN(table[number], append([]uintptr{uintptr(o)}, given...)...)
	return result
}

func (o object) invoke(flags uintptr, name string, given ...interface{}) (answer variant) {
	id, letters, putting := int32(0), wide(name), int32(-3)
	check(name, o.slot(5, uintptr(unsafe.Pointer(&none)), uintptr(unsafe.Pointer(&letters)), 1, 0, uintptr(unsafe.Pointer(&id))))
	values := make([]variant, len(given)+1) // one more, for there must be a first
	for place, each := range given {
		values[len(given)-1-place] = pack(each)
	}
	passed := parameters{values: &values[0], count: uint32(len(given))}
	if flags == put {
		passed.names, passed.named = &putting, 1
	}
	check(name, o.slot(6, uintptr(id), uintptr(unsafe.Pointer(&none)), 0, flags,
		uintptr(unsafe.Pointer(&passed)), uintptr(unsafe.Pointer(&answer)), 0, 0))
	for place := range given {
		if values[place].kind == vtText {
			automation.NewProc("VariantClear").Call(uintptr(unsafe.Pointer(&values[place])))
		}
	}
	return answer
}

func pack(value interface{}) variant {
	switch it := value.(type) {
	case string:
		text, _, _ := automation.NewProc("SysAllocString").Call(uintptr(unsafe.Pointer(wide(it))))
		return variant{kind: vtText, value: text}
	case int:
		return variant{kind: vtI4, value: uintptr(it)}
	case object:
		return variant{kind: vtObject, value: uintptr(it)}
	case *callback:
		return variant{kind: vtObject, value: uintptr(unsafe.Pointer(it))}
	}
	return variant{}
}

func (o object) set(name string, value interface{}) { o.invoke(put, name, value) }

func (o object) number(name string, given ...interface{}) int {
	return int(int32(o.invoke(method|get, name, given...).value))
}

func (o object) object(name string, given ...interface{}) object {
	found := object(o.invoke(method|get, name, given...).value)
	guard.Lock()
	defer guard.Unlock()
	held = append(held, found)
	return found
}

func (o object) text(name string) string {
	answer := o.invoke(method|get, name)
	defer automation.NewProc("VariantClear").Call(uintptr(unsafe.Pointer(&answer)))
	return syscall.UTF16ToString((*[1 << 12]uint16)(unsafe.Pointer(answer.value))[:])
}

// --- callbacks: objects of ours

type callback struct {
	table      *[7]uintptr
	references int32
	act        func(job, args object)
}

var (
	table [7]uintptr
	alive []*callback // what others refer to, the garbage collector does not see
)

func init() {
	refuse := syscall.NewCallback(func(it *callback, a, b, c, d, e uintptr) uintptr { return notImplemented })
	table = [7]uintptr{
		syscall.NewCallback(func(it *callback, iid *guid, found *uintptr) uintptr {
			*found = 0
			if *iid != unknown && *iid != dispatch {
				return noInterface
			}
			*found = uintptr(unsafe.Pointer(it))
			it.count(1)
			return 0
		}),
		syscall.NewCallback(func(it *callback) uintptr { return it.count(1) }),
		syscall.NewCallback(func(it *callback) uintptr { return it.count(-1) }),
		refuse, refuse, refuse,
		syscall.NewCallback(func(it *callback, id, iid, locale, flags uintptr, given *parameters, result, exception, wrong uintptr) uintptr {
			values := (*[2]variant)(unsafe.Pointer(given.values))
			it.act(object(values[1].value), object(values[0].value))
			return 0
		}),
	}
}

func (it *callback) count(more int32) uintptr {
	guard.Lock()
	defer guard.Unlock()
	it.references += more
	return uintptr(it.references)
}

func calling(act func(job, args object)) *callback {
	made := &callback{&table, 1, act}
	alive = append(alive, made)
	return made
}

// --- the steps

// Begins a job, waits for it in CleanUp, and tells of its callbacks.
func run(agent object, what string, abort bool, updates object) (result, percent, completed int) {
	agent.set("Updates", updates)
	percent = -1
	job := agent.object("Begin"+what,
		calling(func(job, args object) { percent = args.object("Progress").number("PercentComplete") }),
		calling(func(job, args object) {
			completed++
			result = agent.object("End"+what, job).number("ResultCode")
		}), nil)
	if abort {
		job.invoke(method, "RequestAbort")
	}
	job.invoke(method, "CleanUp")
	return
}

func main() {
	runtime.LockOSThread()
	model := map[string]uintptr{"mta": 0, "sta": 2}[os.Args[1]]
	started, _, _ := ole.NewProc("CoInitializeEx").Call(0, model)
	check("CoInitializeEx", started)
	var class guid
	var session object
	known, _, _ := ole.NewProc("CLSIDFromProgID").Call(uintptr(unsafe.Pointer(wide("Microsoft.Update.Session"))), uintptr(unsafe.Pointer(&class)))
	check("CLSIDFromProgID", known)
	made, _, _ := ole.NewProc("CoCreateInstance").Call(uintptr(unsafe.Pointer(&class)), 0, 1,
		uintptr(unsafe.Pointer(&dispatch)), uintptr(unsafe.Pointer(&session)))
	check("CoCreateInstance", made)

	session.set("ClientApplicationID", "cycle")
	searcher := session.object("CreateUpdateSearcher")
	search := func(criteria string) object { return searcher.object("Search", criteria).object("Updates") }
	updates := search("IsInstalled=0 and DeploymentAction=*")
	for place := 0; place < updates.number("Count"); place++ {
		fmt.Println("found", updates.object("Item", place).text("Title"))
	}
	result, percent, completed := run(session.object("CreateUpdateDownloader"), "Download", false, updates)
	fmt.Println("downloaded", result, "progress", percent, "completed", completed)

	installer := session.object("CreateUpdateInstaller")
	result, _, completed = run(installer, "Install", true, updates)
	there := search("IsInstalled=1 and Name='editor'").number("Count")
	fmt.Println("aborted", result, "completed", completed, "installed", there)
	result, percent, completed = run(installer, "Install", false, updates)
	fmt.Println("installed", result, "progress", percent, "completed", completed)

	installer.set("Updates", search("IsInstalled=1 and Name='editor'"))
	fmt.Println("removed", installer.object("Uninstall").number("ResultCode"))
	history := searcher.object("QueryHistory", 0, searcher.number("GetTotalHistoryCount"))
	for place := 0; place < history.number("Count"); place++ {
		entry := history.object("Item", place)
		fmt.Println("history", entry.text("Title"), entry.number("Operation"), entry.number("ResultCode"), entry.text("ClientApplicationID"))
	}
	for _, each := range append(held, session) {
		each.slot(2)
	}
	for _, each := range alive {
		if each.references != 1 {
			fmt.Println("a callback is still held", each.references)
		}
	}
	ole.NewProc("CoUninitialize").Call()
}
