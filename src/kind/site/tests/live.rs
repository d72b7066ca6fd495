//! What is rendered, served by the real nginx and PHP-FPM on sockets of the test's own.

use std::fs;
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::real::{facts_of, installed, items_below};
use super::*;

/// A web server with some sites, on a Unix socket.
struct Served {
    tree: TempDir,
    processes: Vec<Child>,
}

impl Drop for Served {
    fn drop(&mut self) {
        for process in &mut self.processes {
            // SIGTERM, so that the workers of php-fpm end with their master.
            let _ = Process::new("kill").arg(process.id().to_string()).status();
            let _ = process.wait();
        }
    }
}

/// An answer: its status line and headers, and its body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Served {
    fn path(&self, path: &str) -> PathBuf {
        self.tree.path().join(path.trim_start_matches('/'))
    }

    /// Writes a file of the site `example.com`, readable by all.
    fn put(&self, path: &str, text: &str) {
        let path = self.path(&format!("/srv/www/example.com/{path}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("example.com", path, "")
    }

    fn ask(&self, host: &str, path: &str, headers: &str) -> Answer {
        let mut stream = UnixStream::connect(self.path("/http.sock")).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }
}

/// Waits until `socket` takes connections.
fn wait_for(socket: &Path) {
    let start = Instant::now();
    while UnixStream::connect(socket).is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{} is not there",
            socket.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Serves these sites; `None` where nginx is not installed.
fn serve(sites: &[(&str, &Site, bool)], secrets: &dyn Secrets) -> Option<Served> {
    let nginx = installed("nginx")?;
    let tree = tempfile::tempdir().unwrap();
    let root = tree.path().to_str().unwrap().to_owned();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
    items_below(tree.path(), sites, &facts_of(&nginx), secrets, &|text| {
        text.replace("listen 80;", &format!("listen unix:{root}/http.sock;"))
            .replace("listen [::]:80;", "")
            .replace("resolver_timeout 5s;", "resolver_timeout 200ms;")
    });
    fs::copy(
        "/etc/nginx/fastcgi_params",
        tree.path().join("etc/nginx/fastcgi_params"),
    )
    .unwrap();
    let conf = tree.path().join("etc/nginx/nginx.conf");
    fs::write(
        &conf,
        format!(
            "daemon off;\nmaster_process off;\npid {root}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n\
             include /etc/nginx/mime.types;\n\
             client_body_temp_path {root}/t1;\nproxy_temp_path {root}/t2;\nfastcgi_temp_path {root}/t3;\n\
             uwsgi_temp_path {root}/t4;\nscgi_temp_path {root}/t5;\n\
             include {root}/etc/nginx/conf.d/*.conf;\n}}\n"
        ),
    )
    .unwrap();
    let process = Process::new(nginx)
        .args(["-p", &root, "-c"])
        .arg(&conf)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let served = Served {
        tree,
        processes: vec![process],
    };
    wait_for(&served.path("/http.sock"));
    Some(served)
}

#[test]
fn files_are_served_and_nothing_else() {
    let site = site(&[
        "--error-page",
        "404=/404.html",
        "--header",
        "X-A: a \"b\" \\ ; {c}",
        "--cache",
        "30d",
        "--redirect-path",
        "/old=/new",
        "--redirect-path",
        "/caf%C3%A9 x=https://example.org/?y=1",
        "--single-page",
        "--index",
        "app.html",
    ])
    .unwrap();
    let other = Site::default();
    let sites = [
        ("example.com", &site, false),
        ("other.example.com", &other, false),
        ("closed.example.com", &other, true),
    ];
    let Some(served) = serve(&sites, &NoSecrets) else {
        return;
    };
    served.put("public/app.html", "front");
    served.put("public/style.css", "body {}");
    served.put("public/404.html", "nothing here");
    served.put("public/.git/config", "secret");
    served.put("public/.env", "secret");
    served.put("public/.well-known/security.txt", "contact");
    served.put("public/dir/app.html", "below");
    served.put("secret.txt", "secret");

    let front = served.get("/");
    assert_eq!((front.status, front.body.as_str()), (200, "front"));
    assert!(
        front.head.contains("\r\nX-A: a \"b\" \\ ; {c}"),
        "{}",
        front.head
    );
    assert!(!front.head.contains("Expires"));
    assert!(served.get("/style.css").head.contains("max-age=2592000"));
    assert_eq!(served.get("/any/path").body, "front");
    assert_eq!(served.get("/dir/").body, "below");
    assert!(served.get("/dir").head.contains("\r\nLocation: /dir/"));
    for hidden in [
        "/.git/config",
        "/.env",
        "/dir/../.env",
        "/%2eenv",
        "/.well-known/../.env",
    ] {
        let answer = served.get(hidden);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (404, "nothing here"),
            "{hidden}"
        );
    }
    assert_eq!(served.get("/.well-known/security.txt").body, "contact");
    assert_eq!(served.get("/404.html").status, 404);
    for outside in ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt"] {
        assert!(!served.get(outside).body.contains("secret"), "{outside}");
    }

    let moved = served.get("/old?a=b");
    assert_eq!(moved.status, 301);
    assert!(
        moved.head.contains("\r\nLocation: /new?a=b"),
        "{}",
        moved.head
    );
    let moved = served.get("/caf%C3%A9%20x?a=b");
    assert!(
        moved
            .head
            .contains("\r\nLocation: https://example.org/?y=1\r\n"),
        "{}",
        moved.head
    );

    assert_eq!(served.ask("unknown.example.net", "/", "").status, 421);
    let other = served.ask("other.example.com", "/", "");
    assert!(other.body.contains("<h1>other.example.com</h1>"));
    let closed = served.ask("closed.example.com", "/any", "");
    assert_eq!(closed.status, 503);
    assert!(closed.head.contains("Retry-After") && closed.body.contains("suspended"));
}

#[test]
fn links_to_what_belongs_to_others_are_not_followed() {
    let site = Site::default();
    let Some(served) = serve(&[("example.com", &site, false)], &NoSecrets) else {
        return;
    };
    served.put("public/index.html", "front");
    served.put("releases/1/page.html", "release");
    let home = served.path("/srv/www/example.com");
    symlink(home.join("releases/1"), home.join("public/current")).unwrap();
    assert_eq!(served.get("/current/page.html").body, "release");
    // A link of an unprivileged user to a file of root's.
    let unprivileged = 12_345;
    let link = home.join("public/passwd.txt");
    symlink("/etc/passwd", &link).unwrap();
    let _ = lchown(&link, Some(unprivileged), None);
    assert_eq!(served.get("/passwd.txt").status, 404);
    // The root itself as a link: of the same owner, then of another (which needs root to make).
    let others = served.path("/srv/www/others");
    fs::create_dir(&others).unwrap();
    fs::write(others.join("page.html"), "of others").unwrap();
    fs::rename(home.join("public"), home.join("was")).unwrap();
    symlink(&others, home.join("public")).unwrap();
    assert_eq!(served.get("/page.html").body, "of others");
    if lchown(home.join("public"), Some(unprivileged), None).is_ok() {
        assert_eq!(served.get("/page.html").status, 404);
    }
}

#[test]
fn names_and_whole_sites_redirect() {
    let named = site(&["--canonical", "www.example.com", "--alias", "*.example.net"]).unwrap();
    let bare = site(&["--redirect", "https://example.org"]).unwrap();
    let full = site(&[
        "--redirect",
        "https://example.org/x?y=z",
        "--redirect-code",
        "307",
    ])
    .unwrap();
    let sites = [
        ("example.com", &named, false),
        ("bare.example.com", &bare, false),
        ("full.example.com", &full, false),
    ];
    let Some(served) = serve(&sites, &NoSecrets) else {
        return;
    };
    let location = |host: &str, path: &str| {
        let answer = served.ask(host, path, "");
        let line = answer
            .head
            .lines()
            .find_map(|line| line.strip_prefix("Location: "));
        (answer.status, line.unwrap_or_default().to_owned())
    };
    let to = |text: &str| text.to_owned();
    assert_eq!(
        location("example.com", "/a?b=c"),
        (301, to("http://www.example.com/a?b=c"))
    );
    assert_eq!(
        location("x.example.net", "/"),
        (301, to("http://www.example.com/"))
    );
    assert_eq!(location("www.example.com", "/").0, 200);
    assert_eq!(
        location("bare.example.com", "/a?b=c"),
        (301, to("https://example.org/a?b=c"))
    );
    assert_eq!(
        location("full.example.com", "/a?b=c"),
        (307, to("https://example.org/x?y=z"))
    );
}

#[test]
fn passwords_and_limits_keep_out() {
    let mut edge = full_edge();
    let arguments = [
        "--auth-user",
        "alice,bob",
        "--auth-password-file",
        "-",
        "--error-page",
        "401=/401.html",
    ];
    let locked = site_with(&arguments, &mut edge).unwrap();
    let limited = site(&["--rate-limit", "1r/m,burst=2"]).unwrap();
    let sites = [
        ("example.com", &locked, false),
        ("limited.example.com", &limited, false),
    ];
    let Some(served) = serve(&sites, &edge) else {
        return;
    };
    served.put("public/401.html", "who are you?");
    let with = |user: &str| {
        use base64::Engine;
        let token = base64::engine::general_purpose::STANDARD.encode(user);
        served.ask(
            "example.com",
            "/",
            &format!("Authorization: Basic {token}\r\n"),
        )
    };
    let without = served.get("/");
    assert_eq!(
        (without.status, without.body.as_str()),
        (401, "who are you?")
    );
    assert_eq!(with("alice:correct horse").status, 200);
    assert_eq!(with("bob:battery staple").status, 200);
    assert_eq!(with("alice:battery staple").status, 401);
    let statuses: Vec<u16> = (0..5)
        .map(|_| served.ask("limited.example.com", "/", "").status)
        .collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

#[test]
fn requests_reach_the_upstream_and_its_silence_is_an_error() {
    let site = site(&[
        "--upstream",
        "unix:/run/php/app.sock",
        "--upstream-host",
        "inner.example.net",
    ])
    .unwrap();
    let Some(served) = serve(&[("example.com", &site, false)], &NoSecrets) else {
        return;
    };
    assert_eq!(served.get("/").status, 502);
    fs::create_dir_all(served.path("/run/php")).unwrap();
    let listener =
        std::os::unix::net::UnixListener::bind(served.path("/run/php/app.sock")).unwrap();
    let upstream = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            .unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    // nginx leaves a silent upstream alone for some seconds only when there is another.
    let answer = served.ask("example.com", "/a%2fb?c", "Proxy: http://evil.example\r\n");
    assert_eq!(answer.body, "hi");
    let request = upstream.join().unwrap();
    assert!(
        request.starts_with("GET /a%2fb?c HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("Host: inner.example.net\r\n"), "{request}");
    assert!(
        request.contains("X-Forwarded-Host: example.com\r\n"),
        "{request}"
    );
    assert!(!request.contains("evil"), "{request}");
}

/// Runs the site's pool as `www-data`, which needs root.
fn run_php(served: &mut Served, site: &Site) -> bool {
    let Some(fpm) = installed("php-fpm8.2") else {
        return false;
    };
    let root = served.tree.path().to_str().unwrap().to_owned();
    let user = site.check("example.com").unwrap().user;
    let pool = served.path("/etc/php/8.2/fpm/pool.d/fleet-example.com.conf");
    let text = fs::read_to_string(&pool)
        .unwrap()
        .replace(&format!("= {user}\n"), "= www-data\n");
    fs::write(&pool, text).unwrap();
    for dir in [
        "run/php",
        "srv/www/example.com/logs",
        "srv/www/example.com/tmp",
        "srv/www/example.com/sessions",
    ] {
        let dir = served.path(dir);
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let conf = served.path("/php-fpm.conf");
    fs::write(
        &conf,
        format!(
            "[global]\npid = {root}/fpm.pid\nerror_log = {root}/fpm.log\ninclude = {}\n",
            pool.display()
        ),
    )
    .unwrap();
    let process = Process::new(fpm)
        .arg("-F")
        .arg("-y")
        .arg(&conf)
        .stderr(Stdio::null())
        .spawn();
    let mut process = process.unwrap();
    // Without root php-fpm cannot take another user and ends at once.
    std::thread::sleep(Duration::from_millis(300));
    if process.try_wait().unwrap().is_some() {
        #[allow(clippy::print_stderr)]
        {
            eprintln!("left out: php-fpm does not start here (it needs root)");
        }
        return false;
    }
    served.processes.push(process);
    wait_for(&served.path(&format!("/run/php/fleet-{user}-8.2.sock")));
    true
}

#[test]
fn scripts_run_in_their_own_pool_and_are_never_shown() {
    let site = site(&[
        "--php",
        "8.2",
        "--php-memory",
        "64M",
        "--php-timeout",
        "9s",
        "--php-deny",
        "/uploads",
        "--php-ini",
        "precision=5",
        "--error-page",
        "404=/404.html",
    ])
    .unwrap();
    let Some(mut served) = serve(&[("example.com", &site, false)], &NoSecrets) else {
        return;
    };
    served.put("public/404.html", "nothing here");
    served.put("public/plain/index.html", "plain");
    served.put("public/run.php", "<?php echo $_SERVER['SCRIPT_NAME'], '|', $_SERVER['PATH_INFO'] ?? '', '|', getenv('HTTP_PROXY') ?: '-';");
    served.put("public/image.jpg", "<?php echo 'ran';");
    served.put("public/old.phps", "<?php 'source';");
    served.put("public/config.PHP", "<?php 'source';");
    served.put("public/uploads/x.php", "<?php echo 'ran';");
    served.put("public/uploads/x.PhP", "<?php echo 'ran';");
    served.put("public/uploads/x.jpg", "picture");
    // Before PHP runs, and for whatever PHP must not run, the source stays hidden.
    for path in [
        "/run.php",
        "/run.php/x",
        "/config.PHP",
        "/old.phps",
        "/uploads/x.php",
        "/uploads/x.PhP",
        "/uploads/x.php/y",
        "/image.jpg/x.php",
    ] {
        let answer = served.get(path);
        assert!(answer.status >= 400, "{path}: {}", answer.status);
        assert!(!answer.body.contains("<?php"), "{path}");
    }
    assert_eq!(served.get("/uploads/x.php").status, 403);
    assert_eq!(served.get("/uploads/x.php/y").status, 403);
    assert_eq!(served.get("/uploads/x.jpg").body, "picture");
    assert_eq!(served.get("/image.jpg/x.php").status, 404);
    assert_eq!(served.get("/missing.php").body, "nothing here");
    // Without a front controller an unknown path is not found.
    assert_eq!(served.get("/unknown").status, 404);
    if !run_php(&mut served, &site) {
        return;
    }
    assert_eq!(served.get("/run.php").body, "/run.php||-");
    let answer = served.ask(
        "example.com",
        "/run.php/a/b?c",
        "Proxy: http://evil.example\r\n",
    );
    assert_eq!(answer.body, "/run.php|/a/b|-");
    served.put(
        "public/index.php",
        "<?php echo 'front:', $_SERVER['REQUEST_URI'];",
    );
    assert_eq!(served.get("/unknown?a=b").body, "front:/unknown?a=b");
    assert_eq!(served.get("/plain/").body, "plain");
    served.put(
        "public/ini.php",
        "<?php foreach (['memory_limit', 'max_execution_time', 'precision', 'display_errors', 'cgi.fix_pathinfo', \
         'post_max_size', 'session.gc_probability', 'opcache.validate_permission'] as $key) echo ini_get($key), ' '; \
         ini_set('memory_limit', '1G'); echo ini_get('memory_limit');",
    );
    let ini = served.get("/ini.php").body;
    assert!(ini.starts_with("64M 9 5 0 0 64M 1 "), "{ini}");
    assert!(ini.ends_with(" 64M"), "{ini}");
    served.put(
        "public/read.php",
        "<?php session_start(); echo @file_get_contents('/etc/passwd') === false ? 'closed' : 'open', ' ', \
         ini_get('session.save_path'), ' ', dirname(tempnam(sys_get_temp_dir(), 'x'));",
    );
    let home = served.path("/srv/www/example.com");
    assert_eq!(
        served.get("/read.php").body,
        format!("closed {0}/sessions {0}/tmp", home.display())
    );
    assert!(fs::read_dir(home.join("sessions")).unwrap().count() > 0);
    assert!(!served.get("/run.php").head.contains("X-Powered-By"));
    served.put(
        "public/fails.php",
        "<?php error_log('noted'); throw new Exception('secret');",
    );
    let failed = served.get("/fails.php");
    assert!(
        failed.status == 500 && !failed.body.contains("secret"),
        "{}",
        failed.body
    );
    let log = fs::read_to_string(home.join("logs/php-error.log")).unwrap();
    assert!(log.contains("noted") && log.contains("secret"), "{log}");
}

#[test]
fn an_upstream_that_nobody_knows_takes_no_other_site_down() {
    // Nobody is asked on port 53 of this address, which no machine answers for.
    let gone = site(&["--upstream", "https://gone.partner.invalid"]).unwrap();
    let sites = [
        ("example.com", &Site::default(), false),
        ("gone.example", &gone, false),
    ];
    let Some(served) = serve(&sites, &NoSecrets) else {
        return;
    };
    assert_eq!(served.ask("gone.example", "/", "").status, 502);
    served.put("public/index.html", "well");
    assert_eq!(served.get("/").body, "well");
}

#[test]
fn another_upstream_takes_the_place_of_one_that_nobody_knows() {
    const REQUESTS: usize = 8;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let back = listener.local_addr().unwrap().to_string();
    let several = site(&[
        "--upstream",
        "gone.partner.invalid:80,weight=2",
        "--upstream",
        &back,
        "--error-page",
        "404,502=/sorry.html",
    ])
    .unwrap();
    let Some(served) = serve(&[("example.com", &several, false)], &NoSecrets) else {
        return;
    };
    served.put("public/sorry.html", "sorry");
    let answering = std::thread::spawn(move || {
        for _ in 0..REQUESTS {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).unwrap() > 0);
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nback")
                .unwrap();
        }
    });
    // Two of three would go to the other one.
    for _ in 0..REQUESTS {
        assert_eq!(served.get("/a").body, "back");
    }
    answering.join().unwrap();
    // Nobody is left: the site's own page says so.
    let answer = served.get("/a");
    assert_eq!((answer.status, answer.body.as_str()), (502, "sorry"));
}
