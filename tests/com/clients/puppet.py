"""Makes the calls that a test process asks for, late-bound, and takes callbacks to it. usage: PORT

Every connection has a thread. What comes in on a lane is done in turn, and one lane more than are used is
always open. A callback has a connection of its own: what the test asks for inside the callback is done on the
thread that COM chose for it.
"""

import sys

sys.coinit_flags = 0  # the multi-threaded apartment; before pythoncom is imported

import json
import os
import socket
import threading
import traceback
from decimal import Decimal

import pythoncom
import pywintypes
import win32com.server.util
from win32com.server.exception import COMException

LEFT_OUT = pythoncom.ArgNotFound


def place(thing):
    """Where its IUnknown is: two are the same object when these are."""
    return repr(thing.QueryInterface(pythoncom.IID_IUnknown)).rpartition(" ")[2]


class Held:
    """What the tests hold, by handle, with how often it was given to them."""

    def __init__(self):
        self.guard = threading.Lock()
        self.things, self.counts, self.kinds, self.handles = {}, {}, {}, {}
        self.last = 0

    def give(self, thing):
        where = place(thing)
        with self.guard:
            handle = self.handles.get(where)
            if handle is None:
                self.last += 1
                handle = self.handles[where] = self.last
                self.things[handle], self.counts[handle], self.kinds[handle] = (where, thing), 0, kind(thing)
            self.counts[handle] += 1
            return {"o": handle, "kind": self.kinds[handle]}

    def take_back(self, counts):
        leaving = []  # released when no lock is held
        with self.guard:
            for text, count in counts.items():
                handle = int(text)
                self.counts[handle] -= count
                if not self.counts[handle]:
                    where, thing = self.things.pop(handle)
                    del self.counts[handle], self.kinds[handle], self.handles[where]
                    leaving.append(thing)


def kind(thing):
    """The id of the interface that its type information describes; none for what is no IDispatch."""
    try:
        return str(thing.GetTypeInfo().GetTypeAttr().iid)
    except AttributeError:
        return None


held = Held()
places = {}  # of what the tests gave: its token
gone = []  # tokens that COM holds no more, in that order
kept = []  # what can't tell when it goes


class Given:
    """An object of the tests': anything that has to come back as it is, and can be called back."""

    _public_methods_ = ["Invoke"]
    _dispid_to_func_ = {0: "Invoke"}
    place = None

    def __init__(self, token):
        self.token = token

    def Invoke(self, job, args):
        connection = idle.pop() if idle else Connection("callback")
        connection.tell({"token": self.token, "args": [told(job), told(args)]})
        hresult = connection.serve()
        idle.append(connection)
        if hresult < 0:
            raise COMException(scode=hresult)

    def __del__(self):
        places.pop(self.place, None)
        gone.append(self.token)


def wrapped(token, callable_):
    """The tests' object as COM sees it; one that can't be called has only IUnknown."""
    if callable_:
        given = Given(token)
        thing = win32com.server.util.wrap(given)
        given.place = place(thing)
    else:
        thing = pythoncom.CreateStreamOnHGlobal().QueryInterface(pythoncom.IID_IUnknown)
        kept.append(thing)
    places[place(thing)] = token
    return thing


def heard(value):
    """A value of the tests', for COM."""
    if not isinstance(value, dict):
        return value
    ((name, content), *_) = value.items()
    if name == "o":
        return held.things[content][1]
    if name == "t":
        return wrapped(content, value["call"])
    if name == "n":
        return Decimal(content)
    if name == "m":
        return LEFT_OUT
    raise ValueError(value)


def told(value):
    """A value of COM's, for the tests."""
    if hasattr(value, "QueryInterface"):
        token = places.get(place(value))
        return held.give(value) if token is None else {"t": token}
    if isinstance(value, pywintypes.TimeType):
        return {"d": value.isoformat()}
    if isinstance(value, Decimal):
        return {"n": str(value)}
    if isinstance(value, (bytes, memoryview)):
        return {"y": list(bytes(value))}
    if isinstance(value, tuple):
        return {"a": [told(each) for each in value]}
    return value


# --- what can be asked for


def create(name):
    context = pythoncom.CLSCTX_INPROC_SERVER
    return told(pythoncom.CoCreateInstance(pywintypes.IID(name), None, context, pythoncom.IID_IDispatch))


def invoke(on, name, flags, args, named):
    _, thing = held.things[on]
    number, *numbers = [name] if isinstance(name, int) else ids(on, [name, *named])
    given = [heard(each) for each in args]
    for where, value in zip(numbers, named.values(), strict=True):
        given += [LEFT_OUT] * (where + 1 - len(given))
        given[where] = heard(value)
    return told(thing.Invoke(number, 0, flags, True, *given))


def ids(on, names):
    found = held.things[on][1].GetIDsOfNames(*names)
    return [found] if isinstance(found, int) else list(found)


def following(on):
    """The next element of an enumerator, in a list that is empty at its end."""
    elements = held.things[on][1].QueryInterface(pythoncom.IID_IEnumVARIANT).Next(1)
    return [told(each) for each in elements]


def offers(on, iids):
    """Which of these interfaces an object has."""
    unknown = held.things[on][1].QueryInterface(pythoncom.IID_IUnknown)
    return [iid for iid in iids if has(unknown, iid)]


def has(unknown, iid):
    try:
        unknown.QueryInterface(pywintypes.IID("{" + iid + "}"), pythoncom.IID_IUnknown)
    except pythoncom.com_error:
        return False
    return True


def release(counts):
    held.take_back(counts)


def forget():
    """What was given and can't tell when it goes is not used any more."""
    while kept:
        gone.append(places.pop(place(kept.pop())))


DEEDS = {each.__name__: each for each in (create, invoke, ids, following, offers, release, forget)}


def done(deed, fields):
    try:
        return {"value": DEEDS[deed](**fields)}
    except pythoncom.com_error as failure:
        return {"failed": [failure.hresult, failure.strerror, failure.excepinfo, failure.argerror]}
    except Exception:  # noqa: BLE001 - a defect of this program or of a test: the test shows it
        return {"broken": traceback.format_exc()}


class Connection:
    def __init__(self, what):
        self.socket = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines = self.socket.makefile("r", encoding="utf-8", newline="\n")
        self.tell(what)

    def tell(self, message):
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def serve(self, begun=None):
        """Do what is asked for, until a callback is to return: its HRESULT. ``begun`` is called first."""
        for line in self.lines:
            if begun:
                begun()
                begun = None
            request = json.loads(line)
            deed, seen = request.pop("do"), request.pop("seen", 0)
            if deed == "return":
                return request["hresult"]
            answer = done(deed, request)
            self.tell({**answer, "gone": gone[seen:]})
        os._exit(0)  # the tests have ended, or given up


idle = []  # connections for callbacks


def lane():
    pythoncom.CoInitializeEx(0)
    Connection("lane").serve(lambda: threading.Thread(target=lane, daemon=True).start())


lane()
