//! A headless Chromium, steered over the protocol of its tools for developers, through two pipes.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

/// How long a browser may live: a slow machine, and an end of what hangs.
const LIFE: Duration = Duration::from_secs(120);

/// The browser with one page.
pub(crate) struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: Option<String>,
    next: u64,
    events: Vec<Value>,
    /// Ends the watch when it is dropped.
    _watch: mpsc::Sender<()>,
    _home: tempfile::TempDir,
}

impl Browser {
    /// Starts it; `None` where there is none.
    pub(crate) fn start() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|directory| directory.join("chromium").is_file())?;
        let home = tempfile::tempdir().expect("a temporary directory");
        let pipes = ["in", "out"].map(|name| home.path().join(name));
        let made = Command::new("mkfifo").args(&pipes).status();
        assert!(made.expect("mkfifo").success());
        let child = Command::new("sh")
            .args([
                "-c",
                "in=$1 out=$2; shift 2; exec chromium \"$@\" 3<\"$in\" 4>\"$out\"",
                "sh",
            ])
            .args(&pipes)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--no-default-browser-check",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-default-apps",
                "--disable-extensions",
                "--disable-sync",
                "--disable-crash-reporter",
                "--disable-breakpad",
                "--remote-debugging-pipe",
            ])
            .arg(format!(
                "--user-data-dir={}",
                home.path().join("profile").display()
            ))
            .arg("about:blank")
            .env("HOME", home.path())
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let watch = watch(child.id());
        let to = OpenOptions::new()
            .write(true)
            .open(&pipes[0])
            .expect("the pipe to it");
        let from = File::open(&pipes[1]).expect("the pipe from it");
        let mut browser = Self {
            child,
            to,
            from: BufReader::new(from),
            session: None,
            next: 0,
            events: Vec::new(),
            _watch: watch,
            _home: home,
        };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attached = browser.call(
            "Target.attachToTarget",
            &json!({ "targetId": target["targetId"], "flatten": true }),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in [
            "Page.enable",
            "Runtime.enable",
            "Log.enable",
            "Network.enable",
        ] {
            browser.call(domain, &json!({}));
        }
        Some(browser)
    }

    /// Lays pages out for a screen of that size, by day (`light`) or by night (`dark`).
    pub(crate) fn view(&mut self, width: u32, height: u32, scheme: &str) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 }),
        );
        self.call(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        );
    }

    /// Opens a file, and returns what was requested for it.
    pub(crate) fn open(&mut self, path: &Path) -> Vec<String> {
        self.events.clear();
        self.call(
            "Page.navigate",
            &json!({ "url": format!("file://{}", path.display()) }),
        );
        while !self
            .events
            .iter()
            .any(|event| event["method"] == "Page.loadEventFired")
        {
            self.receive();
        }
        // Whatever the page asks for by itself, it has asked for when it was painted twice.
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
        let requests = self
            .events
            .iter()
            .filter(|event| event["method"] == "Network.requestWillBeSent");
        requests
            .map(|event| event["params"]["request"]["url"].to_string())
            .collect()
    }

    /// The value of an expression in the page; waits for a promise.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let answer = self.call(
            "Runtime.evaluate",
            &json!({ "expression": expression, "awaitPromise": true, "returnByValue": true }),
        );
        assert!(answer.get("exceptionDetails").is_none(), "{answer}");
        answer["result"]["value"].clone()
    }

    /// The whole page as PNG, in Base64.
    pub(crate) fn screenshot(&mut self) -> String {
        let answer = self.call(
            "Page.captureScreenshot",
            &json!({ "format": "png", "captureBeyondViewport": true }),
        );
        answer["data"].as_str().expect("a picture").to_owned()
    }

    /// What stands in the console since the page was opened.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let methods = [
            "Log.entryAdded",
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
        ];
        let events = self.events.iter();
        events
            .filter(|event| methods.iter().any(|method| event["method"] == *method))
            .map(ToString::to_string)
            .collect()
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.to
            .write_all(format!("{message}\0").as_bytes())
            .expect("the browser listens");
        loop {
            if let Some(answer) = self.receive() {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Takes one message: the answer to the last call, or an event that is kept.
    fn receive(&mut self) -> Option<Value> {
        let mut message = Vec::new();
        self.from
            .read_until(0, &mut message)
            .expect("the browser talks");
        assert_eq!(message.pop(), Some(0), "the browser is gone");
        let message: Value = serde_json::from_slice(&message).expect("JSON");
        if message["id"] == self.next {
            return Some(message);
        }
        self.events.push(message);
        None
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends the process when it lives too long, so that whoever waits for it is told.
fn watch(process: u32) -> mpsc::Sender<()> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        if receiver.recv_timeout(LIFE) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = Command::new("kill")
                .args(["-KILL", &process.to_string()])
                .status();
        }
    });
    sender
}
