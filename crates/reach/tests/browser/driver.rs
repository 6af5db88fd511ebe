//! A real Chromium, driven as a person drives it.

use std::{
    cell::Cell,
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use fantoccini::{
    Client, ClientBuilder, Locator,
    elements::Element,
    wd::{Capabilities, WebDriverCompatibleCommand},
};
use hyper::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use url::Url;

/// Longer than anything takes, however busy the machine is.
const LONG: Duration = Duration::from_secs(60);

/// A browser and what drives it. Both end with it.
pub(crate) struct Browser {
    client: Client,
    driver: Child,
    shots: PathBuf,
    size: Cell<(u32, u32)>,
    _profile: TempDir,
}

/// What cannot be run here, if something cannot.
pub(crate) fn missing() -> Option<&'static str> {
    let there = |name: &str| {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).any(|directory| directory.join(name).is_file())
    };
    match (there("chromium"), there("chromedriver")) {
        (true, true) => None,
        (false, _) => Some("chromium"),
        (_, false) => Some("chromedriver (chromium-driver)"),
    }
}

impl Browser {
    /// One in the network of this thread, with nothing remembered. It resolves no names.
    pub(crate) async fn start() -> Self {
        let profile = TempDir::new().expect("a directory");
        let mut driver = Command::new("chromedriver")
            .args(["--port=0"])
            .env("HOME", profile.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(driver.stdout.take().expect("piped")).lines();
        let port = lines
            .find_map(|line| {
                let line = line.expect("UTF-8");
                line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok()
            })
            .expect("it says where it listens");
        let options = json!({ "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
            "--hide-scrollbars", "--force-device-scale-factor=1", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            format!("--user-data-dir={}", profile.path().join("profile").display()),
        ] });
        let mut wanted = Capabilities::new();
        wanted.insert("goog:chromeOptions".to_owned(), options);
        wanted.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        wanted.insert("acceptInsecureCerts".to_owned(), json!(true));
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("a session");
        let shots = env::var_os("REACH_SCREENSHOTS")
            .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots"), PathBuf::from);
        fs::create_dir_all(&shots).expect("a directory");
        let browser = Self { client, driver, shots, size: Cell::default(), _profile: profile };
        browser.resize(1280, 900).await;
        browser
    }

    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    pub(crate) async fn resize(&self, width: u32, height: u32) {
        self.size.set((width, height));
        self.metrics(width, height).await;
    }

    async fn metrics(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Whether the person likes it dark.
    pub(crate) async fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    pub(crate) async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// What is read on the page.
    pub(crate) async fn text(&self) -> String {
        self.script("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// Looks until something is on the page.
    pub(crate) async fn find(&self, css: &str) -> Element {
        let wait = self.client.wait().at_most(LONG).for_element(Locator::Css(css));
        match wait.await {
            Ok(element) => element,
            Err(error) => panic!("{css}: {error}\n{}", self.text().await),
        }
    }

    /// Waits until a script says so.
    pub(crate) async fn until(&self, what: &str, script: &str) {
        let end = Instant::now() + LONG;
        while self.script(script).await != json!(true) {
            assert!(Instant::now() < end, "there was not: {what}\n{}", self.text().await);
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until something is read on the page.
    pub(crate) async fn reads(&self, text: &str) {
        let quoted = json!(text);
        self.until(text, &format!("return document.body.innerText.includes({quoted})")).await;
    }

    pub(crate) async fn click(&self, css: &str) {
        let element = self.find(css).await;
        element.click().await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Types into a field.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let element = self.find(css).await;
        element.clear().await.unwrap_or_else(|error| panic!("{css}: {error}"));
        element.send_keys(text).await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Presses keys, wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let element = self.client.active_element().await.expect("something has the focus");
        element.send_keys(keys).await.unwrap_or_else(|error| panic!("{keys:?}: {error}"));
    }

    /// Keeps a picture of the whole page.
    pub(crate) async fn shot(&self, name: &str) {
        let (width, height) = self.size.get();
        let whole = self.script("return document.documentElement.scrollHeight").await;
        let whole = whole.as_u64().map_or(height, |whole| whole.clamp(u64::from(height), 6_000) as u32);
        self.metrics(width, whole).await;
        let picture = self.client.screenshot().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        self.metrics(width, height).await;
        fs::write(self.shots.join(format!("{name}.png")), picture).expect("written");
    }

    /// Nothing sticks out on the right.
    pub(crate) async fn fits(&self, name: &str) {
        let wider = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let over = self.script(wider).await.as_f64().unwrap_or_default();
        assert!(over <= 1.0, "{name} is {over} px wider than the window");
    }

    /// Asks axe what people who do not see or do not use a mouse would stumble over. Without axe only the rest is
    /// tested, which is said.
    pub(crate) async fn accessible(&self, name: &str) {
        let Some(axe) = env::var_os("REACH_AXE") else {
            println!("SKIPPED accessibility of pages: REACH_AXE names no axe-core (scripts/axe)");
            return;
        };
        let path = Path::new(&axe).join("node_modules/axe-core/axe.min.js");
        let axe = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // By the tools of the developer: the page's own policy lets nothing foreign run.
        self.devtools("Runtime.evaluate", json!({ "expression": axe })).await;
        let run = "axe.run(document, { resultTypes: ['violations'] }).then(r => JSON.stringify(r.violations.map(v => \
                   [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html + ' ' + n.failureSummary)])))";
        let found = self
            .devtools(
                "Runtime.evaluate",
                json!({ "expression": run, "awaitPromise": true, "returnByValue": true }),
            )
            .await;
        let found = found["result"]["value"].as_str().unwrap_or_else(|| panic!("{name}: {found:#}"));
        assert_eq!(found, "[]", "{name}: axe found {found}");
    }

    /// What the console complained about since it was asked last: scripts that fail, what the policy stopped.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.command("se/log", json!({ "type": "browser" })).await;
        let entries = log.as_array().cloned().unwrap_or_default();
        let bad = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        bad.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.command("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    async fn command(&self, path: &'static str, body: Value) -> Value {
        let command = Vendor { path, body };
        self.client.issue_cmd(command).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) async fn close(self) {
        // What drives it is killed in any case.
        let _ = self.client.clone().close().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// A command that only this browser knows.
#[derive(Debug)]
struct Vendor {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
