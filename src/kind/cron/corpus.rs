//! Schedules for tests, of which the lab asks the real cron as well.

/// What Debian's cron takes, and so does fleet.
pub(super) const TAKEN: &[&str] = &[
    "* * * * *", "*/5 * * * *", "*/60 * * * *", "*/100 * * * *", "0-59/59 * * * *", "1,2,3 * * * *", "0 0 * * 7",
    "0 0 * * 0-7", "0 0 * * sun", "0 0 * * SUN", "0 0 * jan *", "0 0 * Jan-maR *", "0 0 * jan,mar-jun/2 *",
    "0 0 * * fri-7", "0 0 * * sun-tue", "0 0 * * mon,wed", "0 0 * * 1-5/2", "5-5 * * * *", "*,5 * * * *",
    "5,* * * * *", "*/5,7 * * * *", "00 03 * * *", "000000000000005 * * * *", "0 0 29 2 *", "0 0 31 2 1",
    "59 23 31 12 6", "@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually", "@reboot",
];

/// What Debian's cron refuses, and so does fleet.
pub(super) const REFUSED: &[&str] = &[
    "*/0 * * * *", "5/15 * * * *", "1, * * * *", ",1 * * * *", "1,,2 * * * *", "60 * * * *", "0 24 * * *",
    "0 0 0 * *", "0 0 32 * *", "0 0 * 0 *", "0 0 * 13 *", "0 0 * * 8", "0 0 * * Sunday", "0 0 * january *",
    "*/ * * * *", "1- * * * *", "-1 * * * *", "+1 * * * *", "*/+5 * * * *", "L * * * *", "0 0 L * *", "0 0 15W * *",
    "? * * * *", "~ * * * *", "@Hourly", "@every_minute", "@5", "@every 5m", "1/2/3 * * * *", "1-9/x * * * *",
    "mon * * * *", "0 0 * mon *", "0 0 1 1", "1a * * * *", "5-64/30 * * * *",
];

/// What Debian's cron takes for something else than anybody can mean, and fleet refuses.
pub(super) const MISUNDERSTOOD: &[&str] = &[
    // They set nothing and never fire.
    "0 0 * * fri-sun", "0 0 * * sat-sun", "0 0 * * 5-1", "5-1 * * * *", "0 0 31 2 *", "0 0 30 feb *",
    // What follows is passed over.
    "*-5 * * * *", "** * * * *", "*1 * * * *", "0~5 * * * *", "0 0 * * 5#2", "1-2-3 * * * *", "1-9/2/3 * * * *",
    // They overflow.
    "4294967296 * * * *", "4294967301 * * * *",
];
