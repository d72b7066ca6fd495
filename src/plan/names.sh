# What finds out, before a site is live, whether nginx serves a name of it already for somebody else: POSIX sh. nginx would
# only warn of it, and answer from whichever it has read first.

# own_names TREE: the names that the sites of fleet have in that copy of /etc/nginx.
own_names() {
	find "$1/conf.d" -maxdepth 1 -type f -name 'fleet-*.conf' \
		-exec sed -n 's/^ *server_name \(.*\);$/\1/p' {} + | tr -d '"' | tr -s ' ' '\n' | LC_ALL=C sort -u
}

# others_with FILE: reads what `nginx -T` prints, and prints each name in FILE that somebody else's configuration serves over
# HTTP or HTTPS, with the file it is in. What listens on other ports (an application behind a proxy) is in nobody's way.
others_with() {
	awk -v wanted="$1" '
		BEGIN { while ((getline name <wanted) > 0) is_wanted[name] = 1 }
		function begin() {
			count = 0
			ports = 0
			is_web = 0
		}
		function end(i) {
			if (is_web || !ports) for (i = 1; i <= count; i++) print names[i], file
			begin()
		}
		function add(name) { if (name in is_wanted) names[++count] = name }
		function serve(name) {
			name = tolower(name)
			if (name !~ /^\./) return add(name)
			add(substr(name, 2))
			add("*" name)
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
		/^# configuration file \/.*:$/ {
			end()
			file = substr($0, 22, length($0) - 22)
			own = file ~ /^\/etc\/nginx\/conf\.d\/(00-)?fleet-[^\/]*\.conf$/ || file ~ /^\/etc\/nginx\/fleet\//
			depth = foreign = 0
			server = -1
			directive = ""
			next
		}
		own { next }
		{
			if (match($0, /(^|[ \t;{}])#/)) $0 = substr($0, 1, RSTART + RLENGTH - 2)
			gsub(/["\047]/, "")
			gsub(/[;{}]/, " & ")
			for (i = 1; i <= NF; i++) take($i)
		}
		END { end() }'
}

# refuse_taken: fails where a name is new here that somebody else has. Of a name that a site had already this was decided.
refuse_taken() {
	own_names /etc/nginx >"$t/names-before"
	own_names "$t/copy/etc/nginx" | LC_ALL=C comm -13 "$t/names-before" - >"$t/names"
	[ -s "$t/names" ] || return 0
	timeout 60 unshare -m sh -c 'mount --bind "$1" /etc/nginx && exec nginx -T -q' sh "$t/copy/etc/nginx" \
		</dev/null 2>/dev/null 9>&- | others_with "$t/names" | LC_ALL=C sort -u >"$t/taken"
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
