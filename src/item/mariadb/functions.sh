# What the steps of MariaDB need, in transactions and in what undoes them: POSIX sh.
# mariadb_sql: runs the SQL on standard input as root, through the socket; each answer is written at once.
mariadb_sql() {
	mariadb --batch --raw --skip-column-names --unbuffered --default-character-set=utf8mb4 \
		--init-command="SET SESSION sql_log_off = 1, sql_mode = '', time_zone = '+00:00'" "$@"
}

# mariadb_room: lets a dump in whose rows are longer than what MariaDB takes at once: it writes what is binary with twice as
# many letters. Sets $room to what was the limit; mariadb_tidy makes it again what it was.
mariadb_room() {
	room=$(echo 'SELECT @@GLOBAL.max_allowed_packet;' | mariadb_sql) || room=
	[ -z "$room" ] || echo 'SET GLOBAL max_allowed_packet = 1073741824;' | mariadb_sql || :
}

mariadb_tidy() { [ -z "$room" ] || printf 'SET GLOBAL max_allowed_packet = %s;\n' "$room" | mariadb_sql || :; }

# mariadb_pour FILE: runs the SQL of a packed dump.
mariadb_pour() {
	mariadb_room
	poured=0
	gzip -dc -- "$1" | mariadb_sql --max-allowed-packet=1G >/dev/null || poured=1
	mariadb_tidy
	return "$poured"
}

# did ENGINE PART NUMBER: whether that step was made.
did() { grep -qxF "did $3" "$t/$1-$2" 2>/dev/null; }

# mariadb_keep FILE: writes what makes the accounts again that the SQL on standard input shows, as they are now.
mariadb_keep() {
	(umask 077 && mariadb_sql >"$1.part")
	sed -e 's/^CREATE USER /CREATE OR REPLACE USER /' -e 's/$/;/' "$1.part" >"$1"
	rm -f -- "$1.part"
}

# The trash of databases: /var/lib/fleet/trash/TASK/ENGINE-NAME with `dump.sql.gz`, which makes the database and all in
# it, and `users.sql`, which makes its users with their grants afterwards. Whoever brings back a database calls
# `mariadb_back`, or pours both, in this order, into `mariadb` as root.
# mariadb_trash TASK NAME SQL [ASIDE]: saves a database and the accounts that SQL shows; nothing is taken away yet.
mariadb_trash() (
	umask 077
	kept=/var/lib/fleet/trash/$1/mariadb-$2${4-}
	mkdir -p -- "$kept"
	printf %s "$3" | mariadb_keep "$kept/users.sql"
	mariadb_notice "$2"
	rm -f -- "$kept/whole"
	{ mariadb_dump "$2" --databases 4>&- 9>&- && : >"$kept/whole"; } | gzip >"$kept/dump.part" || :
	if [ ! -e "$kept/whole" ] || ! gzip -dc -- "$kept/dump.part" | tail -n 1 | grep -q '^-- Dump completed'; then
		why "the database $2 could not be saved to the trash, so it stays"
		rm -rf -- "$kept"
		rmdir -- "${kept%/*}" 2>/dev/null || :
		return 1
	fi
	rm -f -- "$kept/whole"
	mv -f -- "$kept/dump.part" "$kept/dump.sql.gz" && sync -f -- "$kept"
)

# mariadb_dump NAME WORD...: prints a dump; its last line tells that it is whole. Views that cannot be used are left out:
# nobody could make them again as the database is, and no other way leads past them. The dump begins with what views
# were, as a comment.
mariadb_dump() (
	name=$1
	shift
	broken=$(mariadb_broken "$name") || broken=
	if [ -n "$broken" ]; then
		printf 'SELECT CONCAT("CREATE VIEW `", REPLACE(TABLE_NAME, "`", "``"), "` AS ", VIEW_DEFINITION, ";") FROM information_schema.VIEWS WHERE TABLE_SCHEMA = "%s";' "$name" |
			mariadb_sql | sed 's/^/-- /'
	fi
	# With what is in tables no more and they keep.
	if [ "$(mariadb_versioned "$name")" = time ]; then
		case $(mariadb-dump --help) in *--dump-history*) set -- --dump-history "$@" ;; esac
	fi
	set -f
	IFS='
'
	for view in $broken; do
		set -- "$@" "--ignore-table=$name.$view"
	done
	mariadb-dump --default-character-set=utf8mb4 --single-transaction --quick --routines --events --triggers \
		--hex-blob --max-allowed-packet=1G "$@" "$name"
)

# mariadb_broken NAME: the views of a database that cannot be used, since what they refer to is gone.
mariadb_broken() {
	# As the tool for dumps asks; an answer of its own stands before that of each view.
	asked=$(printf 'SELECT CONCAT("SELECT ", QUOTE("view"), ", ", QUOTE(TABLE_NAME), "; SHOW FIELDS FROM `", REPLACE(TABLE_NAME, "`", "``"), "`;") FROM information_schema.VIEWS WHERE TABLE_SCHEMA = "%s";' "$1" | mariadb_sql) || return 1
	[ -n "$asked" ] || return 0
	told=$(printf '%s\nSELECT "end";\n' "$asked" | mariadb_sql --force "$1" 2>/dev/null 4>&- 9>&-) || :
	[ "${told##*
}" = end ] || return 1
	printf '%s\n' "$told" | awk -F '\t' '
		name != "" && (NF == 1 || NF == 2) { print name }
		{ name = NF == 2 && $1 == "view" ? $2 : "" }'
}

# mariadb_versioned NAME: `time` when there are tables that keep what was in them (system-versioned ones), `transaction` when
# one of them does so by the numbers of transactions, which no dump can bring back.
mariadb_versioned() {
	printf 'SELECT CASE WHEN EXISTS (SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = "%s" AND GENERATION_EXPRESSION = "ROW START" AND DATA_TYPE = "bigint") THEN "transaction" WHEN EXISTS (SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = "%s" AND TABLE_TYPE = "SYSTEM VERSIONED") THEN "time" ELSE "" END;' "$1" "$1" |
		mariadb_sql
}

# mariadb_notice NAME: says what a dump leaves out.
mariadb_notice() {
	mariadb_broken "$1" | while IFS= read -r view; do
		printf '@notice the view `%s` of database `%s` refers to what is gone: a dump has it as a comment only\n' "$view" "$1"
	done
	if [ "$(mariadb_versioned "$1")" = transaction ]; then
		printf '@notice database `%s` has a table whose history goes by transactions: a dump has the history of no table\n' "$1"
	fi
}

# mariadb_back TASK NAME: brings a database back from the trash, with its users.
mariadb_back() {
	kept=/var/lib/fleet/trash/$1/mariadb-$2
	mariadb_pour "$kept/dump.sql.gz" || bad=1
	mariadb_sql <"$kept/users.sql" >/dev/null || bad=1
}

# mariadb_gone NAME: takes away what is left of a database before it is brought back.
mariadb_gone() { printf 'DROP DATABASE IF EXISTS `%s`;' "$1" | mariadb_sql || bad=1; }

# mariadb_is_there NAME: whether there is such a database, as far as can be known.
mariadb_is_there() { [ "$(printf "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '%s';" "$1" | mariadb_sql)" != 0 ]; }

# mariadb_late NAME: before an undo takes a database away that comes long after what it undoes, what somebody may have put
# into it goes to the trash of the task, beside what is there already; where that fails, it must stay.
mariadb_late() {
	[ -n "${late-}" ] && mariadb_is_there "$1" || return 0
	task=${t##*/}
	task=${task%%-*}
	aside=
	number=0
	while [ -e "/var/lib/fleet/trash/$task/mariadb-$1$aside" ]; do
		number=$((number + 1))
		aside=.~$number~
	done
	mariadb_trash "$task" "$1" '' "$aside"
}

# mariadb_return TASK NAME: makes a database again from the trash of a task, in a transaction; what is in the trash stays.
mariadb_return() {
	kept=/var/lib/fleet/trash/$1/mariadb-$2
	step "bringing back the database $2"
	if mariadb_is_there "$2"; then
		why "the database $2 has come into being since the server was looked at"
		return 1
	fi
	if ! gzip -dc -- "$kept/dump.sql.gz" | tail -n 1 | grep -q '^-- Dump completed'; then
		why "what the trash has of the database $2 is not whole"
		return 1
	fi
	printf '%s\n' "$2" >>"$t/mariadb-returned"
	sync -f "$t"
	mariadb_pour "$kept/dump.sql.gz"
}

# mariadb_unreturn NAME: undoes that.
mariadb_unreturn() {
	if grep -qxF -- "$1" "$t/mariadb-returned" 2>/dev/null; then
		mariadb_late "$1" || exit 1
		mariadb_gone "$1"
	fi
}
