# Prints the part of the log with the number $i that is to be read: POSIX sh. merge.awk starts it as a process of its
# own for each log; what read.sh chose is in its environment.

eval "path=\$path_$i older=\$older_$i skip=\$skip_$i from=\$from_$i to=\$to_$i"
{
	for file in $older; do
		case $file in
		*.gz) gzip -dc -- "$file" ;;
		*)
			if [ "$skip" ]; then
				tail -c "+$((skip + 1))" -- "$file"
			elif [ "$count" ] && [ -z "$pattern" ]; then
				tail -n "$count" -- "$file"
			else
				cat -- "$file"
			fi
			;;
		esac
		skip=
	done
	if [ "$count" ] && [ -z "$pattern" ] && [ "$((to - from))" -gt "$((count * 4096))" ]; then
		from=$((to - count * 4096))
		tail -c "+$((from + 1))" -- "$path" | head -c "$((to - from))" | sed 1d
	elif [ "$to" -gt "$from" ]; then
		tail -c "+$((from + 1))" -- "$path" | head -c "$((to - from))"
	fi
} 2>/dev/null | tr -d "\000" | if [ "$pattern" ]; then
	grep -a "$how" -e "$pattern"
else
	cat
fi | if [ "$count" ]; then
	tail -n "$count"
else
	cat
fi
