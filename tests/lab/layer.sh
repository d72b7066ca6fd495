#!/usr/bin/env bash
# Installs the services on top of a bare base, as an overlay layer; runs in mount and pid namespaces of its own.
set -euo pipefail

dir=$1
read -ra install <<<"$2"
read -ra download <<<"$3"
root=$dir/root

mkdir "$dir/full" "$dir/work" "$root"
mount -t overlay overlay -o "lowerdir=$dir/bare,upperdir=$dir/full,workdir=$dir/work,volatile" "$root"
mkdir -p "$root/dev/shm"
mount -t proc proc "$root/proc"
for place in run tmp dev/shm; do mount -t tmpfs tmpfs "$root/$place"; done
for file in resolv.conf hosts; do
    touch "$root/etc/$file"
    mount --bind "/etc/$file" "$root/etc/$file"
done
# Nothing starts while it is installed.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
# Small log files: every server that starts MariaDB copies them up.
mkdir -p "$root/etc/mysql/mariadb.conf.d"
printf '[mariadbd]\ninnodb_log_file_size=8M\n' >"$root/etc/mysql/mariadb.conf.d/99-lab.cnf"

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
inside apt-get install -y --no-install-recommends "${install[@]}"
inside apt-get install -y --no-install-recommends --download-only "${download[@]}"
# Debian's PowerDNS has no backend and would not start.
printf 'launch=gsqlite3\ngsqlite3-database=/var/lib/powerdns/pdns.sqlite3\n' >"$root/etc/powerdns/pdns.d/gsqlite3.conf"
inside sqlite3 -init /usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql /var/lib/powerdns/pdns.sqlite3 .quit
inside chown -R pdns:pdns /var/lib/powerdns
# Enabled at boot: nginx and php-fpm. The others start when a test asks for them.
inside systemctl disable mariadb.service mariadb.socket mariadb-extra.socket postgresql.service pdns.service phpsessionclean.timer

# The version stays out of the file name: apt would have to escape its epoch.
for deb in "$root"/var/cache/apt/archives/*.deb; do
    name=$(basename "$deb")
    file=${name%%_*}_${name##*_}
    mv "$deb" "$dir/repo/$file"
    deb=$dir/repo/$file
    dpkg-deb --field "$deb"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$file" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d ' ' -f 1)"
done >"$dir/repo/Packages"

rm -rf "$root/usr/sbin/policy-rc.d" "$root"/var/cache/apt/*.bin "$root/var/log/apt" "$root/var/cache/debconf"/*-old
umount --recursive "$root"
rm -rf "$dir/work" "$root"
rm -f "$dir/full/etc/resolv.conf"
