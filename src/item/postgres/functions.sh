# What the steps of PostgreSQL need, in transactions and in what undoes them: POSIX sh.
# postgres_sql: runs the SQL on standard input as `postgres`, through the socket; nothing of it goes to the server's log.
postgres_sql() {
	{
		printf '%s\n' 'SET log_statement = none; SET log_min_error_statement = panic; SET log_min_duration_statement = -1;' \
			'SET standard_conforming_strings = on; SET client_encoding = UTF8; SET client_min_messages = warning;'
		cat
	} | runuser -u postgres -- psql -X -A -t -q -F "$(printf '\t')" -v ON_ERROR_STOP=1 -d postgres "$@"
}

# did ENGINE PART NUMBER: whether that step was made.
did() { grep -qxF "did $3" "$t/$1-$2" 2>/dev/null; }

# postgres_keep FILE: writes what makes the roles again that the SQL on standard input tells of, as they are now.
postgres_keep() { (umask 077 && postgres_sql >"$1"); }

# postgres_hba LINES USER...: puts LINES at the top of pg_hba.conf, in place of what it has of these users. What is in the
# file counts only once it is read again, and then as a whole or not at all.
postgres_hba() {
	hba=$(echo 'SHOW hba_file;' | postgres_sql)
	lines=$1
	shift
	if [ ! -e "$t/pg_hba" ]; then
		printf '%s\n' "$hba" >"$t/pg_hba-path"
		cp -p -- "$hba" "$t/pg_hba.part"
		mv -f -- "$t/pg_hba.part" "$t/pg_hba"
		sync -f "$t"
	fi
	cp -p -- "$hba" "$hba.fleet-new"
	{
		printf %s "$lines"
		printf '%s\n' "$@" | awk 'FILENAME == "-" { gone["#fleet:" $0] = 1; next } !($NF in gone)' - "$hba"
	} >"$hba.fleet-new"
	sync -- "$hba.fleet-new"
	mv -f -T -- "$hba.fleet-new" "$hba"
	if [ "$(echo 'SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL;' | postgres_sql)" != 0 ]; then
		why 'the new pg_hba.conf would not be read'
		echo 'SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL;' | postgres_sql >&2
		return 1
	fi
	postgres_reload
}

# Comes back when new connections find what has changed in the files.
postgres_reload() {
	before=$(echo "SELECT pg_conf_load_time();" | postgres_sql)
	echo 'SELECT pg_reload_conf();' | postgres_sql >/dev/null
	tries=0
	while [ "$(echo 'SELECT pg_conf_load_time();' | postgres_sql)" = "$before" ] && [ "$tries" -lt 50 ]; do
		tries=$((tries + 1))
		sleep 0.05
	done
}

# The trash of databases: /var/lib/fleet/trash/TASK/ENGINE-NAME with `users.sql`, which makes the roles of the database
# with their grants, and `dump.sql.gz`, which makes the database and all in it afterwards. Whoever brings back a
# database calls `postgres_back`, or pours both, in this order, into `psql` as postgres.
# postgres_trash TASK NAME SQL [ASIDE]: saves a database and the roles that SQL tells of; nothing is taken away yet.
postgres_trash() (
	umask 077
	kept=/var/lib/fleet/trash/$1/postgres-$2${4-}
	mkdir -p -- "$kept"
	printf %s "$3" | postgres_keep "$kept/users.sql"
	rm -f -- "$kept/whole"
	{ postgres_dump --create -d "$2" 4>&- 9>&- && : >"$kept/whole"; } | gzip >"$kept/dump.part" || :
	if [ ! -e "$kept/whole" ] ||
		! gzip -dc -- "$kept/dump.part" | tail -n 8 | grep -q '^-- PostgreSQL database dump complete'; then
		why "the database $2 could not be saved to the trash, so it stays"
		rm -rf -- "$kept"
		rmdir -- "${kept%/*}" 2>/dev/null || :
		return 1
	fi
	rm -f -- "$kept/whole"
	mv -f -- "$kept/dump.part" "$kept/dump.sql.gz" && sync -f -- "$kept"
)

# postgres_dump WORD...: prints a dump; one of its last lines tells that it is whole.
postgres_dump() { runuser -u postgres -- pg_dump --encoding=UTF8 "$@"; }

# postgres_back TASK NAME: brings a database back from the trash, with its users.
postgres_back() {
	kept=/var/lib/fleet/trash/$1/postgres-$2
	postgres_sql <"$kept/users.sql" >/dev/null || bad=1
	gzip -dc -- "$kept/dump.sql.gz" | postgres_sql >/dev/null || bad=1
}

# postgres_gone NAME: takes away what is left of a database before it is brought back.
postgres_gone() { printf 'DROP DATABASE IF EXISTS "%s" WITH (FORCE);' "$1" | postgres_sql || bad=1; }

# postgres_is_there NAME: whether there is such a database, as far as can be known.
postgres_is_there() { [ "$(printf "SELECT count(*) FROM pg_database WHERE datname = '%s';" "$1" | postgres_sql)" != 0 ]; }

# postgres_late NAME: before an undo takes a database away that comes long after what it undoes, what somebody may have put
# into it goes to the trash of the task, beside what is there already; where that fails, it must stay.
postgres_late() {
	[ -n "${late-}" ] && postgres_is_there "$1" || return 0
	task=${t##*/}
	task=${task%%-*}
	aside=
	number=0
	while [ -e "/var/lib/fleet/trash/$task/postgres-$1$aside" ]; do
		number=$((number + 1))
		aside=.~$number~
	done
	postgres_trash "$task" "$1" '' "$aside"
}

# postgres_return TASK NAME: makes a database again from the trash of a task, in a transaction; what is in the trash stays.
postgres_return() {
	kept=/var/lib/fleet/trash/$1/postgres-$2
	step "bringing back the database $2"
	if postgres_is_there "$2"; then
		why "the database $2 has come into being since the server was looked at"
		return 1
	fi
	if ! gzip -dc -- "$kept/dump.sql.gz" | tail -n 8 | grep -q '^-- PostgreSQL database dump complete'; then
		why "what the trash has of the database $2 is not whole"
		return 1
	fi
	printf '%s\n' "$2" >>"$t/postgres-returned"
	sync -f "$t"
	postgres_sql <"$kept/users.sql" >/dev/null
	gzip -dc -- "$kept/dump.sql.gz" | postgres_sql >/dev/null
}

# postgres_unreturn NAME SQL: undoes that, and takes its roles away by SQL.
postgres_unreturn() {
	if grep -qxF -- "$1" "$t/postgres-returned" 2>/dev/null; then
		postgres_late "$1" || exit 1
		postgres_gone "$1"
		printf %s "$2" | postgres_sql || bad=1
	fi
}
