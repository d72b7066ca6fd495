# Merges the parts of several logs by time. Each begins with the parts' order; a line without a time of its own (a
# stack trace) stays with the one before it.

# Days from 1970-01-01 to a date: http://howardhinnant.github.io/date_algorithms.html
function days(y, m, d,   era, of_era, of_year) {
	if (m <= 2)
		y--
	era = int(y / 400)
	of_era = y - era * 400
	of_year = int((153 * (m + (m > 2 ? -3 : 9)) + 2) / 5) + d - 1
	return era * 146097 + of_era * 365 + int(of_era / 4) - int(of_era / 100) + of_year - 719468
}

function offset(z,   seconds) {
	sub(/:/, "", z)
	seconds = substr(z, 2, 2) * 3600 + substr(z, 4, 2) * 60
	return substr(z, 1, 1) == "-" ? -seconds : seconds
}

function month(name) {
	return int((index("JanFebMarAprMayJunJulAugSepOctNovDec", name) + 2) / 3)
}

function seconds(y, m, d, clock, z) {
	return sprintf("%.0f", days(y + 0, m + 0, d + 0) * 86400 + substr(clock, 1, 2) * 3600 \
		+ substr(clock, 4, 2) * 60 + substr(clock, 7, 2) - offset(z))
}

# The zone that is written after a time, else that of the server.
function written(rest) {
	if (match(rest, /^(\.[0-9]+)? ?[-+][0-9][0-9]:?[0-9][0-9]/)) {
		rest = substr(rest, 1, RLENGTH)
		sub(/^(\.[0-9]+)? ?/, "", rest)
		return rest
	}
	if (rest ~ /^(\.[0-9]+)?( ?UTC| ?GMT|Z)/)
		return "+0000"
	return zone
}

# When a line was written, in seconds, and fractions if it has them; empty if it does not say.
function when(line,   t, s) {
	# nginx, of requests. A quote in what a client sends is escaped there, so nobody can put a time before the true one.
	if (match(line, /\[[0-9][0-9]\/[A-Z][a-z][a-z]\/[0-9][0-9][0-9][0-9]:[0-9][0-9]:[0-9][0-9]:[0-9][0-9] [-+][0-9][0-9][0-9][0-9]\] "/)) {
		t = substr(line, RSTART + 1, 26)
		return seconds(substr(t, 8, 4), month(substr(t, 4, 3)), substr(t, 1, 2), substr(t, 13, 8), substr(t, 22, 5))
	}
	# nginx, of errors; PostgreSQL; RFC 3339.
	if (line ~ /^[0-9][0-9][0-9][0-9][-\/][0-9][0-9][-\/][0-9][0-9][ T][0-9][0-9]:[0-9][0-9]:[0-9][0-9]/) {
		t = substr(line, 20, 40)
		s = seconds(substr(line, 1, 4), substr(line, 6, 2), substr(line, 9, 2), substr(line, 12, 8), written(t))
		return match(t, /^\.[0-9]+/) ? s substr(t, 1, RLENGTH) : s
	}
	# PHP, and PHP-FPM.
	if (line ~ /^\[[0-9][0-9]-[A-Z][a-z][a-z]-[0-9][0-9][0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]/)
		return seconds(substr(line, 9, 4), month(substr(line, 5, 3)), substr(line, 2, 2), substr(line, 14, 8), written(substr(line, 22, 40)))
	return ""
}

# The next line of a log that is not too old; 0 at its end.
function next_of(i,   t) {
	while ((command[i] | getline line) > 0) {
		t = when(line)
		if (t != "")
			time[i] = t
		if (since == "" || time[i] + 0 >= since + 0) {
			text[i] = line
			return 1
		}
	}
	close(command[i])
	return 0
}

BEGIN {
	n = split(parts, order, " ")
	for (k = 1; k <= n; k++) {
		i = order[k]
		command[i] = "i=" i "\n" ENVIRON["part"]
		time[i] = now
		open[i] = next_of(i)
	}
	while (1) {
		least = 0
		for (k = 1; k <= n; k++) {
			i = order[k]
			if (open[i] && (least == 0 || time[i] + 0 < time[least] + 0))
				least = i
		}
		if (least == 0)
			break
		print ":" time[least] " " least " " text[least]
		open[least] = next_of(least)
	}
}
