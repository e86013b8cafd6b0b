//! The limit of a transfer: curl uploading to nginx and downloading again, over TLS 1.3 on the same machine.

use std::{
    fs::{self, File},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    certificate::Certificate,
    error::BenchError,
    programs::{is_installed, run},
};

/// An nginx that takes uploads; dropping it ends it.
pub(crate) struct Web {
    child: Child,
    folder: PathBuf,
    port: u16,
}

/// Seconds.
pub(crate) struct Transfer {
    pub(crate) upload: f64,
    pub(crate) sync: f64,
    pub(crate) download: f64,
}

impl Web {
    /// What to install, if anything is missing.
    pub(crate) fn missing() -> Option<&'static str> {
        let has = is_installed("nginx") && is_installed("curl");
        (!has).then_some("nginx and curl are not both installed; on Debian: apt-get install nginx-light curl")
    }

    /// Starts one in a folder of its own.
    pub(crate) fn serve(folder: &Path, certificate: &Certificate) -> Result<Self, BenchError> {
        let folder = folder.join("nginx");
        fs::create_dir_all(folder.join("files")).map_err(BenchError::at("nginx"))?;
        certificate.save(&folder)?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.map_err(BenchError::at("a free port"))?.port();
        let conf = folder.join("nginx.conf");
        let listen = format!("listen 127.0.0.1:{port} ssl;");
        fs::write(&conf, CONFIGURATION.replace("LISTEN", &listen)).map_err(BenchError::at("nginx.conf"))?;
        let child = Command::new("nginx")
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(&conf)
            .args(["-e", "error.log"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(BenchError::at("nginx"))?;
        let web = Self { child, folder, port };
        let until = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > until {
                let log = fs::read_to_string(web.folder.join("error.log")).unwrap_or_default();
                return Err(BenchError::Wrong(format!("nginx did not start:\n{log}")));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(web)
    }

    /// Uploads a file, syncs what nginx wrote, and downloads it.
    pub(crate) fn round(&self, file: &Path) -> Result<Transfer, BenchError> {
        let (uploaded, downloaded) = (self.folder.join("files/file"), self.folder.join("downloaded"));
        let upload = run(self.curl(&["--upload-file".as_ref(), file]))?.seconds;
        let start = Instant::now();
        let synced = File::open(&uploaded).and_then(|file| file.sync_all());
        synced.map_err(BenchError::at(uploaded.display().to_string()))?;
        let sync = start.elapsed().as_secs_f64();
        let download = run(self.curl(&["--output".as_ref(), &downloaded]))?.seconds;
        let size = |path: &Path| fs::metadata(path).map(|file| file.len()).map_err(BenchError::at("a transfer"));
        if size(file)? != size(&downloaded)? {
            return Err(BenchError::Wrong("curl did not bring the file back".to_owned()));
        }
        for path in [&uploaded, &downloaded] {
            fs::remove_file(path).map_err(BenchError::at("a transfer"))?;
        }
        Ok(Transfer { upload, sync, download })
    }

    fn curl(&self, arguments: &[&Path]) -> Command {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--fail", "--tlsv1.3", "--cacert"]);
        command.arg(self.folder.join("certificate.pem")).args(arguments);
        command.args(["--resolve", &format!("localhost:{}:127.0.0.1", self.port)]);
        command.arg(format!("https://localhost:{}/file", self.port));
        command
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As shipped, but for what is needed to take uploads and to run in a folder without rights.
const CONFIGURATION: &str = "daemon off;
master_process off;
pid nginx.pid;
events {}
http {
    access_log off;
    client_body_temp_path bodies;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    client_max_body_size 0;
    sendfile on;
    server {
        LISTEN
        ssl_protocols TLSv1.3;
        ssl_certificate certificate.pem;
        ssl_certificate_key key.pem;
        root files;
        dav_methods PUT;
    }
}
";
