#!/bin/sh
# Keystone (OpenStack's identity service) of the Debian packages in a folder of its own: sqlite, uwsgi, loopback.
#
#	keystone.sh install		the packages that are missing, by tests/deps.sh
#	keystone.sh init DIR PORT	a fresh installation in DIR: user admin, password adminpw1, domain default
#	keystone.sh serve DIR PORT	runs it in the foreground
#	keystone.sh limit DIR N		from the next start: answers of at most N rows, marked as truncated
#	keystone.sh sql DIR		SQL from standard input
set -eu

here=$(cd "$(dirname "$0")" && pwd)

init() {
	mkdir -p "$1/fernet" "$1/credential" "$1/log"
	chmod 700 "$1/fernet" "$1/credential"
	cat >"$1/keystone.conf" <<CONF
[DEFAULT]
log_dir = $1/log
max_token_size = 512
[database]
connection = sqlite:///$1/keystone.db
[token]
provider = fernet
[fernet_tokens]
key_repository = $1/fernet
[fernet_receipts]
key_repository = $1/fernet
[credential]
key_repository = $1/credential
[identity]
password_hash_algorithm = bcrypt
password_hash_rounds = 4
[security_compliance]
lockout_failure_attempts = 3
lockout_duration = 600
password_regex = ^(?=.*[0-9])(?=.*[a-zA-Z]).{7,}\$
password_regex_description = 7 characters, a letter and a digit
[cache]
enabled = false
CONF
	manage="keystone-manage --config-file $1/keystone.conf"
	$manage db_sync
	# One writer and its readers do not wait for each other.
	sqlite3 "$1/keystone.db" 'PRAGMA journal_mode=WAL' >/dev/null
	$manage fernet_setup --keystone-user "$(id -un)" --keystone-group "$(id -gn)"
	$manage credential_setup --keystone-user "$(id -un)" --keystone-group "$(id -gn)"
	$manage bootstrap --bootstrap-password adminpw1 --bootstrap-public-url "http://127.0.0.1:$2/v3/" --bootstrap-region-id R1
}

case "${1:-}" in
install)	"$here/../deps.sh" keystone ;;
init)		init "$2" "$3" >/dev/null 2>"$2.log" || { cat "$2.log" >&2; exit 1; } ;;
# One thread: sqlite's objects belong to theirs.
serve)		exec uwsgi_python3 --master --die-on-term --http-socket "127.0.0.1:$3" --wsgi-file /usr/bin/keystone-wsgi-public \
		    --pyargv "--config-file $2/keystone.conf" --env "OS_KEYSTONE_CONFIG_DIR=$2" --processes 2 --threads 1 \
		    --buffer-size 65535 --lazy-apps ;;
limit)		sed -i "/^list_limit/d; s/^\[DEFAULT\]/&\nlist_limit = $3/" "$2/keystone.conf" ;;
sql)		exec sqlite3 -cmd '.timeout 20000' "$2/keystone.db" ;;
*)		sed -n '4,8s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
