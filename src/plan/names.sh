# What finds out, before a site is live, whether nginx serves a name of it already for somebody else: POSIX sh. nginx would
# only warn of it, and answer from whichever it has read first.

# taken DUMP FILE...: reads these live files of sites, and in DUMP (`-` is standard input) what `nginx -T` prints of all
# that is to be; prints each name that a site is to have and had not, and that somebody else's configuration serves over
# HTTP or HTTPS, with the file it is in there. What listens on other ports (an application behind a proxy) is in nobody's
# way.
taken() {
	dumped=$1
	shift
	awk '
		function begin() {
			count = 0
			ports = 0
			is_web = 0
		}
		function end(i) {
			if (is_web || !ports) for (i = 1; i <= count; i++) {
				theirs[++total] = names[i]
				where[total] = file
			}
			begin()
		}
		function serve(name) {
			name = tolower(name)
			if (name !~ /^\./) {
				names[++count] = name
				return
			}
			names[++count] = substr(name, 2)
			names[++count] = "*" name
		}
		function listen(to) {
			ports++
			if (to ~ /^unix:/) return
			if (to !~ /^[0-9]+$/) { if (to !~ /:[0-9]+$/ || to ~ /^\[[^\]]*$/) to = 80; else sub(/.*:/, "", to) }
			if (to == 80 || to == 443) is_web = 1
		}
		function take(word) {
			if (word == "{") {
				depth++
				if (directive == "server" && !nth) { begin(); server = depth }
				if ((directive == "mail" || directive == "stream") && !foreign) foreign = depth
				directive = ""
			} else if (word == "}") {
				if (depth == server) { end(); server = -1 }
				if (depth == foreign) foreign = 0
				depth--
				directive = ""
			} else if (word == ";") {
				directive = ""
			} else if (directive == "") {
				directive = word
				nth = 0
			} else {
				nth++
				if (foreign) return
				if (directive == "server_name") serve(word)
				if (directive == "listen" && nth == 1) listen(word)
			}
		}
		is_live || is_site {
			if ($1 == "server_name") {
				gsub(/[";]/, "")
				for (i = 2; i <= NF; i++) if (is_live) had[$i] = 1; else if (!($i in had)) is_new[$i] = 1
			}
			if (is_live || $0 !~ /^# configuration file /) next
		}
		/^# configuration file \/.*:$/ {
			end()
			file = substr($0, 22, length($0) - 22)
			is_site = file ~ /^\/etc\/nginx\/conf\.d\/fleet-[^\/]*\.conf$/
			is_own = is_site || file == "/etc/nginx/conf.d/00-fleet-default.conf" || file ~ /^\/etc\/nginx\/fleet\//
			depth = foreign = 0
			server = -1
			directive = ""
			next
		}
		is_own { next }
		{
			if (match($0, /(^|[ \t;{}])#/)) $0 = substr($0, 1, RSTART + RLENGTH - 2)
			gsub(/["\047]/, "")
			gsub(/[;{}]/, " & ")
			for (i = 1; i <= NF; i++) take($i)
		}
		END {
			end()
			for (i = 1; i <= total; i++) if (theirs[i] in is_new) print theirs[i], where[i]
		}' is_live=1 "$@" is_live= "$dumped"
}

# taken_here DUMP: the same with all live files of sites, each once.
taken_here() {
	set -- "$1" /etc/nginx/conf.d/fleet-*.conf
	[ -e "$2" ] || set -- "$1"
	taken "$@" | LC_ALL=C sort -u
}

# tell_taken FILE NAMES...: tells of such names beforehand, where sites are to have these. While nginx does not run, it
# serves nobody, and asking it would leave an empty file in the place of its number.
tell_taken() {
	nginx_master || return 0
	{
		timeout 60 nginx -T 2>/dev/null || return 0
		while [ $# -gt 1 ]; do
			printf '# configuration file %s:\nserver_name %s;\n' "$1" "$2"
			shift 2
		done
	} | taken_here - | sed 's/^/@taken /'
}

# refuse_taken: fails where a name is new here that somebody else has. Of a name that a site had already this was decided.
refuse_taken() {
	taken_here "$t/dump" >"$t/taken"
	[ -s "$t/taken" ] || return 0
	head -n 5 "$t/taken" | while read -r name file; do
		why "nginx serves \`$name\` already by \`$file\`, and fleet did not write it"
	done
	[ "$(wc -l <"$t/taken")" -le 5 ] || why 'and more names of these sites'
	hint 'take the name out of that file, or insist with `--force`: nginx answers from whichever of both it reads first'
	# The files of the sites tell whose transaction is to go on without them.
	while read -r name _; do
		grep -l -F -w -- "$name" "$t"/copy/etc/nginx/conf.d/fleet-*.conf | while IFS= read -r own; do
			printf '`%s` is in %s\n' "$name" "${own#"$t"/copy}" >&2
		done
	done <"$t/taken"
	return 1
}
