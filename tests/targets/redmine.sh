#!/bin/sh
# Redmine of the Debian package in a folder of its own: sqlite, puma, loopback.
#
#	redmine.sh install		fetches what is missing (packages by tests/deps.sh; Redmine itself is only unpacked, since its
#					package's own set-up needs a database service)
#	redmine.sh init DIR		a fresh installation in DIR; the administrator's API key in DIR/apikey
#	redmine.sh serve DIR PORT	runs it in the foreground
#	redmine.sh sql DIR		SQL from standard input
set -eu

here=$(cd "$(dirname "$0")" && pwd)
package=${BASCULE_TARGETS:-$here/../../build/targets}/redmine

install() {
	"$here/../deps.sh" redmine
	[ -d "$package/usr/share/redmine" ] && return 0
	mkdir -p "$package"
	cd "$package"
	apt-get download -qq redmine 2>/dev/null
	dpkg --fsys-tarfile redmine_*.deb | tar -x ./usr/share/redmine
	rm -f redmine_*.deb
}

environment() {
	RAILS_ENV=production HOME=$1 BUNDLE_GEMFILE=$1/app/Gemfile DISABLE_DATABASE_ENVIRONMENT_CHECK=1 SCHEMA=/dev/null REDMINE_LANG=en
	export RAILS_ENV HOME BUNDLE_GEMFILE DISABLE_DATABASE_ENVIRONMENT_CHECK SCHEMA REDMINE_LANG
	cd "$1/app"
}

init() {
	mkdir -p "$1"
	cp -rL "$package/usr/share/redmine" "$1/app" 2>/dev/null || true	# links into the package's own places lead nowhere
	cd "$1/app"
	rm -rf Gemfile.lock instances config/database.yml config/initializers/secret_token.rb
	mkdir -p instances/default/config instances/default/tmp/pids instances/default/log instances/default/files tmp/pids log files \
	    public/plugin_assets plugins
	echo "gem 'puma'" >>Gemfile
	printf 'production:\n  adapter: sqlite3\n  database: %s/redmine.sqlite3\n  timeout: 20000\n' "$1" >config/database.yml
	cp config/database.yml instances/default/config/
	openssl rand -hex 40 >instances/default/config/secret_key.txt
	printf 'default:\n  secret_token: %s\n' "$(openssl rand -hex 32)" >config/configuration.yml
	echo "RedmineApp::Application.config.secret_key_base='$(openssl rand -hex 40)'" >config/initializers/secret_token.rb
	environment "$1"
	bundle exec rake db:migrate >"$1/migrate.log" 2>&1
	bundle exec rails runner 'Redmine::DefaultData::Loader.load("en") rescue nil; Setting.rest_api_enabled = "1"
u = User.find_by_login("admin"); u.password = "adminpw12"; u.must_change_passwd = false; u.save!; puts u.api_key' \
	    2>>"$1/migrate.log" | tail -n 1 >"$1/apikey"
	grep -q '^[0-9a-f]\{40\}$' "$1/apikey"
}

case "${1:-}" in
install)	install ;;
init)		init "$2" ;;
serve)		environment "$2"; exec bundle exec puma -e production -b "tcp://127.0.0.1:$3" -t 2:2 -w 0 config.ru ;;
sql)		exec sqlite3 -cmd '.timeout 20000' "$2/redmine.sqlite3" ;;
*)		sed -n '4,8s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
