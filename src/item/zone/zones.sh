# The zones of PowerDNS in its SQLite database: POSIX sh. `$t` is the transaction's directory, `$zones` the database.

# zones_ready: finds the database that PowerDNS is configured to use.
zones_ready() {
	# The last one counts, without the remark behind it.
	zones=$(sed -n -e '/^[[:space:]]*gsqlite3-database[[:space:]]*=[[:space:]]*/{s///;s/[[:space:]]#.*//;s/[[:space:]]*$//;h;}' \
		-e '${x;p;}' \
		/etc/powerdns/pdns.conf /etc/powerdns/pdns.d/*.conf 2>/dev/null) || :
	[ -n "$zones" ] && [ -s "$zones" ] && command -v sqlite3 >/dev/null
}

# zones_sql: runs the statements on standard input; the first that fails ends it. PowerDNS may be writing meanwhile.
zones_sql() { sqlite3 -init /dev/null -batch -bail -cmd '.timeout 20000' "$zones"; }

# zones_keep: keeps the zones whose names the statements on standard input put into kept.names, for the undo.
zones_keep() {
	{
		printf "attach '%s/zones' as kept;\nbegin;\ncreate table kept.names (name text primary key collate nocase);\n" "$t"
		cat
		cat <<'SQL'
create table kept.domains as select d.* from main.domains d join kept.names n on n.name = d.name;
create table kept.records as select r.* from main.records r join kept.domains d on d.id = r.domain_id;
create table kept.domainmetadata as select m.* from main.domainmetadata m join kept.domains d on d.id = m.domain_id;
create table kept.cryptokeys as select c.* from main.cryptokeys c join kept.domains d on d.id = c.domain_id;
create table kept.comments as select c.* from main.comments c join kept.domains d on d.id = c.domain_id;
create table kept.tsigkeys as select distinct k.* from main.tsigkeys k join kept.domainmetadata m on m.content = k.name
    where m.kind in ('TSIG-ALLOW-AXFR', 'AXFR-MASTER-TSIG');
create table kept.complete (done);
commit;
SQL
	} | zones_sql
}

# zones_live: what was changed is served from now on.
zones_live() {
	timeout 30 pdns_control rediscover >/dev/null
	timeout 30 pdns_control purge >/dev/null
}

# zones_notify ZONE...: the secondaries are told at once; many zones in one go.
zones_notify() {
	if [ $# -gt 8 ]; then
		pdns_control notify '*' >/dev/null
	else
		for zone in "$@"; do pdns_control notify "$zone" >/dev/null; done
	fi
}

# zones_fetch ZONE...: asks the primary at once, which may not have it yet; then its notice comes.
zones_fetch() { for zone in "$@"; do pdns_control retrieve "$zone" >/dev/null || :; done; }

# zones_sign ZONE...: names of zones are letters, digits, dots, dashes, slashes and underscores. Makes keys for those that have none, and puts the names of all in order for NSEC.
zones_sign() {
	{
		echo 'select name from domains where id not in (select domain_id from cryptokeys) and name in (null'
		for zone in "$@"; do printf ",'%s'\n" "$zone"; done
		echo ');'
	} | zones_sql >"$t/unsigned"
	if [ -s "$t/unsigned" ]; then xargs pdnsutil secure-zone <"$t/unsigned" >&2; fi
	printf '%s\n' "$@" | xargs pdnsutil rectify-zone >&2
}

# zones_answered ZONE...: the server itself must answer for each, for a few seconds.
zones_answered() {
	command -v dig >/dev/null || return 0
	pdns_at
	printf '%s. SOA\n' "$@" >"$t/questions"
	tries=0
	while :; do
		timeout 30 dig "@$pdns_address" -p "$pdns_port" +tries=1 +time=2 +noall +answer -f "$t/questions" >"$t/answers" 2>&1 || :
		[ "$(grep -c '[[:space:]]SOA[[:space:]]' "$t/answers")" -lt $# ] || return 0
		tries=$((tries + 1))
		[ "$tries" -lt 10 ] || break
		sleep 0.3
	done
	for zone in "$@"; do
		grep -q -i -F "$zone." "$t/answers" || { why "PowerDNS does not answer for the zone $zone"; break; }
	done
	grep '^;;' "$t/answers" | head -n 5 >&2
	return 1
}

# zones_trash TASK: the keys of signed zones that were removed stay for a while: the parent zone may still name them. Each
# zone has a file of its own, for a task may remove them in several transactions.
zones_trash() {
	kept=$state/trash/$1
	echo 'select distinct lower(d.name) from domains d join cryptokeys c on c.domain_id = d.id;' |
		sqlite3 -init /dev/null -batch "$t/zones" >"$t/signed"
	[ -s "$t/signed" ] || return 0
	make_trash
	mkdir -p -m 700 -- "$kept"
	rm -f -- "$kept/dnssec.part"
	(umask 077 && cp -- "$t/zones" "$kept/dnssec.part")
	sed 's|/|%2F|g' "$t/signed" >"$t/signed-files"
	while IFS= read -r zone; do ln -f -- "$kept/dnssec.part" "$kept/dnssec-$zone"; done <"$t/signed-files"
	rm -f -- "$kept/dnssec.part"
}

# zones_keys TASK ZONE: a zone that comes back has the keys again that it had when that task removed it.
zones_keys() {
	file=$(printf %s "$2" | sed 's|/|%2F|g')
	{
		printf "attach '%s/trash/%s/dnssec-%s' as kept;\nbegin immediate;\n" "$state" "$1" "$file"
		cat <<'SQL'
insert into main.cryptokeys (domain_id, flags, active, published, content)
    select d.id, k.flags, k.active, k.published, k.content from kept.cryptokeys k
        join kept.domains o on o.id = k.domain_id join main.domains d on d.name = o.name
SQL
		printf "    where d.name = '%s' and d.id not in (select domain_id from main.cryptokeys);\ncommit;\n" "$2"
	} | zones_sql
}

# zones_back: puts back what zones_keep kept. A serial that was seen outside does not come back: secondaries would not
# notice.
zones_back() {
	[ -s "$t/zones" ] && zones_ready || return 0
	{
		printf "attach '%s/zones' as kept;\n" "$t"
		cat <<'SQL'
begin immediate;
select * from kept.complete;
create temp view serials as
    select lower(name) as name, domain_id, id, head, cast(tail as integer) as serial, substr(tail, instr(tail, ' ')) as rest
    from (select *, substr(content, 1, length(content) - length(tail)) as head
        from (select *, substr(middle, instr(middle, ' ') + 1) as tail
            from (select *, substr(content, instr(content, ' ') + 1) as middle
                from main.records where type = 'SOA')));
create temp table now as select name, max(serial) as serial from serials
    where name in (select lower(name) from kept.names) group by name;
create temp table gone as select id from main.domains where name in (select name from kept.names);
delete from main.records where domain_id in (select id from gone);
delete from main.domainmetadata where domain_id in (select id from gone);
delete from main.cryptokeys where domain_id in (select id from gone);
delete from main.comments where domain_id in (select id from gone);
delete from main.domains where id in (select id from gone);
insert into main.domains (id, name, master, last_check, type, notified_serial, account, options, catalog)
    select iif(id in (select id from main.domains), null, id), name, master, last_check, type, null, account, options,
        catalog from kept.domains;
create temp table ids as select o.id as old, n.id as new from kept.domains o join main.domains n on n.name = o.name;
insert into main.records (domain_id, name, type, content, ttl, prio, disabled, ordername, auth)
    select new, name, type, content, ttl, prio, disabled, ordername, auth from kept.records join ids on old = domain_id;
insert into main.domainmetadata (domain_id, kind, content)
    select new, kind, content from kept.domainmetadata join ids on old = domain_id;
insert into main.cryptokeys (domain_id, flags, active, published, content)
    select new, flags, active, published, content from kept.cryptokeys join ids on old = domain_id;
insert into main.comments (domain_id, name, type, modified_at, account, comment)
    select new, name, type, modified_at, account, comment from kept.comments join ids on old = domain_id;
insert or replace into main.tsigkeys (name, algorithm, secret) select name, algorithm, secret from kept.tsigkeys;
update main.records set content = (select head || (n.serial % 4294967295 + 1) || rest from serials s join now n on n.name = s.name
        where s.id = main.records.id)
    where id in (select s.id from serials s join now n on n.name = s.name where n.serial <> s.serial);
commit;
SQL
	} | zones_sql >/dev/null || { bad=1; return 0; }
	if systemctl is-active --quiet pdns.service; then
		zones_live || :
		timeout 30 pdns_control notify '*' >/dev/null || :
	fi
}

# zones_create DATABASE: with the tables of the version that is installed, owned by the user that PowerDNS runs as.
zones_create() {
	other=$(cat /etc/powerdns/pdns.conf /etc/powerdns/pdns.d/*.conf 2>/dev/null |
		sed -n 's/^[[:space:]]*launch[[:space:]]*+\{0,1\}=[[:space:]]*//p' | grep -v '^gsqlite3$' | grep . | head -n 1)
	if [ -n "$other" ]; then
		why "PowerDNS has zones in another backend here ($other), which would be lost; fleet keeps them in SQLite"
		return 1
	fi
	schema=/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql
	[ -r "$schema" ] || schema=/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql
	if [ ! -r "$schema" ]; then
		why 'the package pdns-backend-sqlite3 does not bring its tables where they are looked for'
		return 1
	fi
	: >"$t/zones-created"
	rm -f -- "$1.fleet-new"
	sqlite3 -init /dev/null -batch -bail "$1.fleet-new" <"$schema"
	chown pdns:pdns -- "$1.fleet-new"
	chmod 640 -- "$1.fleet-new"
	# What an unfinished server may have made stands in the way, and is empty.
	if [ -e "$1" ] && [ ! -s "$1" ]; then rm -f -- "$1" "$1-wal" "$1-shm"; fi
	mv -n -T -- "$1.fleet-new" "$1"
}

# zones_uncreate DATABASE: takes away what zones_create made, unless there is a zone in it by now.
zones_uncreate() {
	rm -f -- "$1.fleet-new"
	[ -e "$t/zones-created" ] && [ -s "$1" ] || return 0
	held=$(echo 'select count(*) from domains;' | sqlite3 -init /dev/null -batch "$1" 2>/dev/null) || return 0
	[ "$held" -gt 0 ] || rm -f -- "$1" "$1-wal" "$1-shm"
}
