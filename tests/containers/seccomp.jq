# seccomp.jq -- from podman's default profile to one like containerd's RuntimeDefault for a container without a capability:
# no new namespace by any call, nothing that mounts, no keys, no move into a namespace.
def gone: ["unshare", "mount", "umount", "umount2", "mount_setattr", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount",
	"fspick", "pivot_root", "setns", "keyctl", "add_key", "request_key", "clone3", "reboot", "syslog", "name_to_handle_at",
	"fanotify_mark", "pidfd_getfd", "open_by_handle_at", "mbind", "get_mempolicy", "set_mempolicy", "move_pages"];
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
def namespaces: 2114060288;
.defaultAction = "SCMP_ACT_ERRNO" | .defaultErrnoRet = 1 | del(.defaultErrno) |
.syscalls |= map(select(.action == "SCMP_ACT_ALLOW" and ((.includes.caps // []) | length) == 0)) |
.syscalls |= map(.names -= gone + ["clone"]) | .syscalls |= map(select(.names | length > 0)) |
.syscalls += [
	{names: ["clone"], action: "SCMP_ACT_ALLOW",
	    args: [{index: 0, value: namespaces, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ"}]},
	{names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38}
]
