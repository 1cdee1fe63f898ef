#!/usr/bin/python3
"""Looks for what must not be there (input.looks), then does what must be stopped (input.way)."""
import ctypes, errno, json, os, socket, ssl, sys, threading
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

def connect(host, at=port, family=socket.AF_INET):
    with socket.socket(family) as s:
        s.settimeout(3)
        s.connect((host, at))
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return s.recv(10).decode() or "nothing"

def datagram(host, at):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(3)
        s.connect((host, at))
        s.send(b"x")
        return repr(s.recv(10))

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
    "source": lambda: connect(url.hostname),
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
}

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
