#!/usr/bin/python3
"""Looks for what must not be there (input.looks), then does what must be stopped (input.way)."""
import ctypes, errno, fcntl, json, os, signal, socket, ssl, struct, sys, threading
from urllib.parse import urlparse

request = json.load(sys.stdin)
results = os.fdopen(3, "wb", buffering=0)
url = urlparse(request["config"]["baseUrl"])
port = url.port
libc = ctypes.CDLL(None, use_errno=True)
AMD64 = os.uname().machine == "x86_64"
NR = {"ptrace": 101 if AMD64 else 117, "unshare": 272 if AMD64 else 97, "bpf": 321 if AMD64 else 280,
      "io_uring_setup": 425, "userfaultfd": 323 if AMD64 else 282, "keyctl": 250 if AMD64 else 219,
      "mount": 165 if AMD64 else 40, "clone3": 435, "memfd_create": 319 if AMD64 else 279, "seccomp": 317 if AMD64 else 277}

def call(name, *args):
    if libc.syscall(NR[name], *args) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "done"

def read(path):
    with open(path) as f:
        return f.read(200)

def write(path):
    with open(path, "w") as f:
        return f.write("x")

def connect(host, at=port, family=socket.AF_INET, seconds=3):
    with socket.socket(family) as s:
        s.settimeout(seconds)
        s.connect((host, at))
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return s.recv(10).decode() or "nothing"

def datagram(host, at):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(3)
        s.connect((host, at))
        s.send(b"x")
        return repr(s.recv(10))

def fail():
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def datagram_to():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        return s.sendto(b"x", ("127.0.0.1", port))

def fronted():
    c = ssl._create_unverified_context()
    with socket.create_connection((url.hostname, port), 3) as s, c.wrap_socket(s, server_hostname="other.example") as t:
        return t.version()

def run_copy():
    with open("/tmp/copy", "wb") as to, open("/usr/bin/python3", "rb") as f:
        to.write(f.read(100))
    os.chmod("/tmp/copy", 0o755)
    os.execv("/tmp/copy", ["copy"])

LOOKS = {
    "environ": lambda: " ".join(sorted(os.environ)),
    "processes": lambda: " ".join(p for p in sorted(os.listdir("/proc")) if p.isdigit()),
    "descriptors": lambda: " ".join(d for d in sorted(os.listdir("/proc/self/fd")) if int(d) < 4),
    "folder": lambda: " ".join(sorted(os.listdir("."))),
    "root": lambda: os.listdir("/"),
    "shadow": lambda: read("/etc/shadow"),
    "passwd": lambda: read("/etc/passwd"),
    "hosts": lambda: read("/etc/hosts"),
    "otherProgram": lambda: read("/usr/bin/jq"),
    "kernel": lambda: read("/proc/version"),
    "parent": lambda: read("/proc/%d/environ" % (os.getppid() or 2)),
    "ownFile": lambda: write("main.py"),
    "library": lambda: write("/usr/lib/x"),
    "device": lambda: os.mknod("/tmp/d", 0o60600, 0x800),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "netlink": lambda: socket.socket(16, socket.SOCK_RAW),
    "packet": lambda: socket.socket(17, socket.SOCK_RAW),
    "vsock": lambda: socket.socket(40, socket.SOCK_STREAM),
    "alg": lambda: socket.socket(38, socket.SOCK_SEQPACKET),
    "six": lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58),
    "raw": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
    "ping": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1),
    "loopback": lambda: connect("127.0.0.1", 22),
    "loopback6": lambda: connect("::1", port, socket.AF_INET6),
    "loopback2": lambda: connect("127.0.0.2"),
    "metadata": lambda: connect("169.254.169.254", 80),
    "private": lambda: connect("10.0.0.1"),
    "mapped": lambda: connect("::ffff:127.0.0.2", port, socket.AF_INET6),
    "zero": lambda: connect("0.0.0.0"),
    "source": lambda: connect(url.hostname, seconds=20),
    "unnamed": lambda: connect("198.18.77.77"),
    "otherPort": lambda: connect(url.hostname, 9),
    "otherName": lambda: socket.getaddrinfo("evil.example", port),
    "udp": lambda: datagram("198.18.0.1", 54),
    "udpOut": lambda: datagram("8.8.8.8", 53),
    "fronted": fronted,
    "listen": lambda: socket.socket().listen(),
    "fork": lambda: "%d" % os.fork(),
    "exec": lambda: os.execv("/usr/bin/python3", ["python3", "-c", "print(1)"]),
    "execOwn": lambda: os.execv("/app/main.py", ["main.py"]),
    "execCopy": run_copy,
    "shell": lambda: os.execv("/bin/sh", ["sh"]),
    "loader": lambda: os.execv("/lib64/ld-linux-x86-64.so.2", ["ld", "/usr/bin/python3"]),
    "ring": lambda: call("io_uring_setup", 1, None),
    "memfd": lambda: call("memfd_create", b"x", 0),
    "clone3": lambda: call("clone3", None, 0),
    "setuid": lambda: os.setuid(0),
    "session": lambda: os.setsid() or "done",
    "killParent": lambda: os.kill(os.getppid() or 2, 0),
    "fastOpen": lambda: addressed(lambda s, to: s.sendto(b"x", 0x20000000, to)),
    "sendTo": lambda: addressed(lambda s, to: s.sendto(b"x", to)),
    "sendMessage": lambda: addressed(lambda s, to: s.sendmsg([b"x"], [], 0x20000000, to)),
    "datagramTo": lambda: datagram_to(),
    "unconnect": lambda: again(socket.AF_UNSPEC, bytes(14)),
    "unixPath": lambda: again(socket.AF_UNIX, b"/run/x\0"),
    "reconnect": lambda: again(socket.AF_INET, struct.pack("!H4s", 80, socket.inet_aton("169.254.169.254")) + bytes(8)),
    "noAddress": lambda: libc.connect(socket.socket().fileno(), None, 16) == -1 and fail(),
    "farAddress": lambda: libc.connect(socket.socket().fileno(), ctypes.c_void_p(0xffff800000000000), 16) == -1 and fail(),
    "longAddress": lambda: libc.connect(socket.socket().fileno(), b"\2\0", 1 << 30) == -1 and fail(),
    "noSocket": lambda: libc.connect(0, struct.pack("=H", 2) + struct.pack("!H", port) + bytes(12), 16) == -1 and fail(),
    "noDescriptor": lambda: libc.connect(9999, struct.pack("=H", 2) + struct.pack("!H", port) + bytes(12), 16) == -1 and fail(),
    "bindTo": lambda: socket.socket().bind(("0.0.0.0", 0)),
    "tmpFile": lambda: write("/tmp/bascule-guest"),
    "shmFile": lambda: write("/dev/shm/bascule-guest"),
    "modeOfOther": lambda: os.chmod("/tmp", 0o777),
    "timeOfOther": lambda: os.utime("/tmp"),
    "lock": lambda: fcntl.flock(open("main.py"), fcntl.LOCK_EX),
    "watch": lambda: libc.inotify_init1(0) == -1 and fail(),
    "killGroup": lambda: os.kill(0, signal.SIGTERM),
    "killAll": lambda: os.kill(-1, signal.SIGTERM),
    "killNext": lambda: os.kill(os.getpid() + 1, signal.SIGKILL),
    "ownGroup": lambda: os.setpgid(0, 0),
    "connections": lambda: read("/proc/self/net/tcp") or read("/proc/net/tcp"),
    "nameServers": lambda: read("/etc/resolv.conf"),
    "neighbours": lambda: numbers(),
    "race": lambda: race(),
    "storm": lambda: storm(),
}

def addressed(call_, family=socket.AF_INET):
    """A word to the metadata service by a call that takes an address itself."""
    with socket.socket(family) as s:
        s.settimeout(3)
        return call_(s, ("169.254.169.254", 80))

def again(family, address):
    """The address of a socket that is connected already, given anew."""
    with socket.create_connection((url.hostname, port), 3) as s:
        if libc.connect(s.fileno(), struct.pack("=H", family) + address, 2 + len(address)) == -1:
            raise OSError(ctypes.get_errno(), "connect")
        return "connected to %s" % (s.getpeername(),)

def race():
    """One thread connects to a place that is allowed, others change the address all the while: it must never be
    connected to the other, which answers (input.forbidden).  Who runs when is the machine's choice, so it may find either
    each time; the last one is connected to when all is quiet."""
    forbidden = request["input"]["forbidden"]
    good = struct.pack("!H4s", port, socket.inet_aton(socket.gethostbyname(url.hostname)))
    bad = struct.pack("!H4s", forbidden, socket.inet_aton("127.0.0.1"))
    address = ctypes.create_string_buffer(struct.pack("=H", socket.AF_INET) + good + bytes(8), 16)
    stop, seen, flips = [], set(), [0, 0]

    def flip(i):
        while not stop:
            address[2:8] = bad
            address[2:8] = good
            flips[i] += 1

    def once():
        with socket.socket() as s:
            if libc.connect(s.fileno(), address, 16) == 0:
                try:
                    seen.add(s.getpeername()[1])
                except OSError:     # it has hung up already
                    pass
    threads = [threading.Thread(target=flip, args=(i,)) for i in range(2)]
    [t.start() for t in threads]
    [once() for _ in range(40)]
    stop.append(1)
    [t.join() for t in threads]
    tries = 0
    while port not in seen and tries < 5:
        address[2:8] = good
        once()
        tries += 1
    return "only the allowed" if seen == {port} and sum(flips) > 0 else repr((seen, flips))

def storm():
    """Many calls wait at once, and each is answered."""
    got = []

    def one():
        try:
            connect("10.0.0.1")
        except OSError as e:
            got.append(e.errno)
    threads = [threading.Thread(target=one) for _ in range(30)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    return "%d refused" % got.count(errno.EACCES)

def numbers():
    """What the kernel shows of others without a /proc of its own: nobody's memory, nobody's descriptors."""
    found = []
    for pid in range(max(2, os.getpid() - 20), os.getpid() + 20):
        for what in ("environ", "mem", "maps", "fd", "root/etc/passwd", "cwd"):
            try:
                p = "/proc/%d/%s" % (pid, what)
                if pid != os.getpid() and (os.readlink(p) if what == "cwd" else os.listdir(p) if what == "fd" else open(p).read(1)):
                    found.append(p)
            except OSError:
                pass
    return " ".join(found) or "nothing"

def hoard():
    keep = []
    while True:
        keep.append(bytearray(b"x" * (16 << 20)))

def fork_on():
    while True:
        try:
            os.fork()
        except OSError:
            pass

def flood(to):
    while True:
        os.write(to, b"x" * 60 + b"\n")

def loop():
    while True:
        pass

def fill_tmp():
    with open("/tmp/f", "wb") as f:
        while True:
            f.write(b"x" * (1 << 20))

def orphan():
    if os.fork() == 0:
        os.close(3)
        loop()

def waits():
    """Beside what it has made, until the source's budget has no connection left for it."""
    if os.fork() == 0:
        loop()
    while True:
        with socket.socket() as s:
            s.connect((url.hostname, port))
        results.write(b'{"type":"output","data":{"look":"connected"}}\n')

WAYS = {
    "end": lambda: None,
    "fails": lambda: sys.exit("it went wrong"),
    "silent": lambda: os._exit(3),
    "leaves": lambda: os._exit(0),
    "garbage": lambda: results.write(b"garbage\n"),
    "half": lambda: results.write(b'{"type":"output","da'),
    "huge": lambda: results.write(b'{"type":"output","data":{"a":"' + b"x" * 300000 + b'"}}\n'),
    "locked": lambda: results.write(b'{"type":"locked"}\n'),
    "error": lambda: results.write(b'{"type":"error","data":{"type":"notFound","message":"no such user"}}\n') and os._exit(1),
    "endThenFail": lambda: results.write(b'{"type":"end"}\n') and os._exit(4),
    "memory": hoard,
    "tmp": fill_tmp,
    "loop": loop,
    "stdout": lambda: flood(1),
    "results": lambda: flood(3),
    "bomb": fork_on,
    "orphan": orphan,
    "waits": waits,
    "threads": lambda: [threading.Thread(target=loop, daemon=True).start() for _ in range(500)] and loop(),
    "ptrace": lambda: call("ptrace", 0, 0, 0, 0),
    "unshare": lambda: call("unshare", 0x10000000),
    "bpf": lambda: call("bpf", 0, None, 0),
    "uffd": lambda: call("userfaultfd", 0),
    "keyctl": lambda: call("keyctl", 0, 0, 0, 0, 0),
    "mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "seccomp": lambda: call("seccomp", 1, 0, None),
    "names": lambda: [socket.gethostbyname_ex("n%d.example" % i) for i in range(300)],
}

for look in request["input"].get("looks", []):
    data = {"look": look}
    try:
        data["got"] = LOOKS[look]()
    except OSError as e:
        data["refused"] = errno.errorcode.get(e.errno, str(e.errno)) if not isinstance(e, socket.gaierror) else "EAI %d" % e.errno
    results.write(json.dumps({"type": "output", "data": data}, default=str).encode() + b"\n")
WAYS[request["input"].get("way", "end")]()
