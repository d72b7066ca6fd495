# Read-only look at what fleet's scripts need of a server: one `key value` line per fact, closed by `end`.
printf 'uid %s\n' "$(id -u)"
# All of these are in essential packages of Debian.
for f_tool in awk base64 chmod chown cmp cp cut date df find flock getent grep gzip head install mktemp mv readlink rm sed sha256sum shuf sort stat sync tail tee timeout tr uname; do
    command -v "$f_tool" >/dev/null 2>&1 || printf 'missing %s\n' "$f_tool"
done
[ -d /run/systemd/system ] || echo 'without systemd'
for f_path in /var/lib /run /etc /tmp; do
    [ -w "$f_path" ] || printf 'unwritable %s\n' "$f_path"
done
# In KiB, as POSIX has it.
df -Pk /var/lib 2>/dev/null | while read -r _ _ _ f_free _; do printf 'free %s\n' "$f_free"; done
printf 'time %s\n' "$(date +%s)"
[ ! -e /run/fleet/owner ] || flock -n -s /run/fleet/lock true 2>/dev/null || { read -r f_path </run/fleet/owner && printf 'locked %s\n' "$f_path"; }
for f_path in /var/lib/fleet/tx/*/ready; do
    [ ! -e "$f_path" ] || printf 'unfinished %s\n' "${f_path%/ready}"
done
echo 'end'
