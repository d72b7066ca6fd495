# Dumps and imports of databases: POSIX sh. The functions of the engine come before these.
# transfer_dump ENGINE NAME PACK: prints a packed dump; the status is 0 only when it is known to be whole.
transfer_dump() {
	[ "$1" != mariadb ] || mariadb_notice "$2" >&2
	work=$(mktemp -d /run/fleet-dump.XXXXXX) || return 1
	mkfifo -m 600 -- "$work/copy"
	tail -c 400 <"$work/copy" >"$work/tail" &
	{
		case $1 in
		mariadb) mariadb_dump "$2" ;;
		postgres) postgres_dump --no-owner --no-privileges -d "$2" ;;
		esac
		echo $? >"$work/dumped"
	} | tee -- "$work/copy" | {
		case $3 in
		gzip) gzip ;;
		zstd) zstd -q -c ;;
		none) cat ;;
		esac
		echo $? >"$work/packed"
	}
	wait
	whole=1
	if [ "$(cat -- "$work/dumped")$(cat -- "$work/packed")" = 00 ] &&
		grep -q '^-- Dump completed\|^-- PostgreSQL database dump complete' "$work/tail"; then
		whole=0
	fi
	rm -rf -- "$work"
	return "$whole"
}

# transfer_open ENGINE NAME TASK SETTINGS UNDO: writes into the journal how the database becomes again what it is, and saves
# to the trash what $objects says that is in it. Before the journal is ready nothing has happened; from then on the next run takes back
# what is brought, should all that is here die.
transfer_open() (
	umask 077
	printf %s "$4" | "${1}_sql" >"$t/settings" || return
	if [ "$objects" != 0 ]; then
		"${1}_trash" "$3" "$2" '' || return
		: >"$t/filled"
	fi
	printf %s "$5" >"$t/undo.sh" && sync -f "$t" && : >"$t/ready" && sync -f "$t"
)

# transfer_undo: makes the database again as it was, and then nobody needs what the trash has of it. Where that fails, the
# next run tries it again.
transfer_undo() {
	sh "$t/undo.sh" "$t" && drop "$t" || return
	rm -rf -- "$trashed"
	rmdir -- "${trashed%/*}" 2>/dev/null || :
}

# transfer_back ENGINE NAME TASK: brings back what the trash of a task has of the database, in place of what is in it.
transfer_back() {
	bad=0
	"${1}_gone" "$2"
	"${1}_back" "$3" "$2"
	"${1}_sql" <"$t/settings" >/dev/null || bad=1
	[ "$bad" = 0 ]
}

# transfer_keep: what was brought stays from here on, also when the power goes.
transfer_keep() { rm -f -- "$t/ready" && sync -f "$t" && drop "$t"; }

# transfer_fail: takes back what was begun, and ends the conversation.
transfer_fail() {
	if transfer_undo; then echo '@result undone'; else echo '@result lost'; fi
	exit 1
}

# transfer_adapt ENGINE: what an owner may not or need not do, as the tools for dumps write it, is left out. Only in
# lines in which no data can be: MariaDB's tool keeps a row in one line that begins with INSERT, and PostgreSQL's writes
# schemas before all else. What comes is handed on at once.
transfer_adapt() {
	case $1 in
	mariadb)
		# What is defined by somebody else is of who imports it.
		LC_ALL=C stdbuf -oL sed -E -e '/^(\/\*![0-9]+ CREATE\*\/ )?\/\*![0-9]+ DEFINER=|^CREATE (OR REPLACE )?DEFINER=/s/DEFINER=(`[^`]*`)+(@(`[^`]*`)+)?//'
		;;
	postgres)
		# A schema of the settings is there already. With `-u` it takes no more than it looks at.
		LC_ALL=C sed -u -E -e 's/^CREATE SCHEMA ([^;]+;)$/CREATE SCHEMA IF NOT EXISTS \1/' \
			-e '/^(COPY|INSERT|CREATE (OR REPLACE )?([A-Z]+ )?(TABLE|VIEW|FUNCTION|PROCEDURE)) /q' && cat
		;;
	esac
}

# transfer_begin ENGINE NAME UNPACK CREDENTIALS: starts what reads SQL from file descriptor 8, as the owner of the
# database and as a user of the server that may do nothing: what is in a dump is not to be trusted. When it ends before
# `transfer_end` has said that it is whole, `transfer_undo` runs. The server's lock (descriptor 9) is this shell's alone: a
# dump may have commands for the client in it, which could free it, or keep it for good.
transfer_begin() {
	work=$(mktemp -d /run/fleet-import.XXXXXX) || return 1
	(umask 077 && printf %s "$4" >"$work/credentials") && mkfifo -m 600 -- "$work/data" || return 1
	chown -R nobody: -- "$work"
	(
		trap '' HUP PIPE
		[ "$1" != mariadb ] || mariadb_room
		{
			# Where the signal is ignored, sed reads on to the end of a dump that nobody takes any more.
			trap - PIPE
			case $3 in
			gzip) gzip -dc ;;
			zstd) zstd -q -dc ;;
			none) cat ;;
			esac <"$work/data"
			echo $? >"$work/unpacked"
		} | {
			trap - PIPE
			transfer_adapt "$1"
			echo $? >"$work/adapted"
		} | case $1 in
		mariadb)
			runuser -u nobody -- env HOME="$work" mariadb --defaults-file="$work/credentials" --sandbox --batch \
				--max-allowed-packet=1G --default-character-set=utf8mb4 "$2" 9>&-
			;;
		postgres)
			runuser -u nobody -- env HOME="$work" PGPASSFILE="$work/credentials" psql -X -q -h 127.0.0.1 -w \
				-v ON_ERROR_STOP=1 -U "$(cut -d : -f 4 <"$work/credentials")" -d "$2" 9>&-
			;;
		esac >/dev/null 2>"$work/said"
		echo $? >"$work/read"
		[ "$1" != mariadb ] || mariadb_tidy
		if [ "$(cat -- "$work/unpacked" "$work/adapted" "$work/read" | tr -d '\n')" = 000 ] && [ -e "$work/whole" ] && transfer_keep; then
			echo 'done' >"$work/result"
		elif transfer_undo >>"$work/said" 2>&1; then
			echo undone >"$work/result"
		else
			echo lost >"$work/result"
		fi
		# It may have failed before all has come: who asks for the end of it finds that, as long as there is somebody to ask.
		rm -f -- "$work/credentials"
		while [ ! -e "$work/whole" ] && kill -0 "$$"; do sleep 0.5 9>&-; done
		[ -e "$work/whole" ] || rm -rf -- "$work"
	) </dev/null >/dev/null 2>&1 &
	reader=$!
	exec 8>"$work/data"
}

# transfer_piece LENGTH: hands on the bytes that come after the script; takes all of them, also when nobody reads.
transfer_piece() {
	timeout "$((fleet_hold + $1 / 4096))" head -c "$1" <&5 | {
		cat >&8 && exit 0
		cat >/dev/null
		exit 1
	}
}

# transfer_end: says that all has come, and how it went: `@result done`, `undone` or `lost`.
transfer_end() {
	: >"$work/whole"
	exec 8>&-
	wait "$reader"
	printf '@result %s\n' "$(cat -- "$work/result")"
	# 141: the signal came, since nobody took what was unpacked.
	case $(cat -- "$work/unpacked") in 0 | 141) ;; *) echo 'the dump is not whole: it cannot be unpacked to its end' >&2 ;; esac
	tail -n 20 -- "$work/said" | cut -c 1-500 >&2
	rm -rf -- "$work"
}
