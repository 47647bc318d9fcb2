//! The endpoints of the zoo: openssl's s_server, nginx, and listeners of a few
//! lines.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::Dir;
use crate::running_program::{Program, free_address};

/// What stands behind the port.
pub(super) enum Endpoint {
    /// `openssl s_server` with these options.
    Openssl(&'static [&'static str]),
    /// nginx with TLS and this in its `server` block.
    Nginx(&'static str),
    /// A listener that treats each connection so.
    Tcp(fn(TcpStream)),
    /// Nothing.
    Closed,
}

/// A running endpoint; a program among them is ended when dropped.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    _program: Option<Program>,
}

impl Running {
    pub(super) fn start(zoo: &Dir, endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Openssl(options) => Self::openssl(zoo, options),
            Endpoint::Nginx(block) => Self::nginx(zoo, block),
            Endpoint::Tcp(treat) => Self::tcp(*treat),
            Endpoint::Closed => Self {
                address: free_address(),
                _program: None,
            },
        }
    }

    fn openssl(zoo: &Dir, options: &[&str]) -> Self {
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-www"])
            .args(options)
            .current_dir(zoo.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is not installed");
        // It tells its port once it listens: "ACCEPT 127.0.0.1:34567".
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ACCEPT ")?.trim().parse().ok())
            .unwrap_or_else(|| panic!("openssl s_server {options:?} does not listen"));
        // Its further words are read away, so that it never waits for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self {
            address,
            _program: Some(Program(child)),
        }
    }

    fn nginx(zoo: &Dir, block: &str) -> Self {
        let address = free_address();
        let config = format!(
            "daemon off; master_process off; pid nginx.pid; error_log nginx.log;\nevents {{}}\nhttp {{ access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\nserver {{ listen {address} ssl http2; ssl_certificate goodchain.pem; ssl_certificate_key good.key; {block} }} }}\n"
        );
        let chain = zoo.read("good.pem") + &zoo.read("intermediate.pem");
        zoo.write("goodchain.pem", chain);
        zoo.write("nginx.conf", config);
        let child = Command::new("nginx")
            .args(["-e", "nginx.log", "-p"])
            .arg(zoo.path(""))
            .args(["-c", "nginx.conf"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx is not installed");
        let mut program = Program(child);
        program.await_listening(address, || {
            std::fs::read_to_string(zoo.path("nginx.log")).unwrap_or_default()
        });
        Self {
            address,
            _program: Some(program),
        }
    }

    fn tcp(treat: fn(TcpStream)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        // The thread waits for connections until the test's process ends.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || treat(stream));
            }
        });
        Self {
            address,
            _program: None,
        }
    }
}

pub(super) fn plain_http(mut stream: TcpStream) {
    let mut first = [0; 4096];
    let read = stream.read(&mut first).unwrap_or(0);
    let answer: &[u8] = if first[..read].starts_with(b"GET ") {
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    } else {
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    };
    let _ = stream.write_all(answer);
}

pub(super) fn ssh(mut stream: TcpStream) {
    let _ = stream.write_all(b"SSH-2.0-zoo\r\n");
    let _ = stream.read(&mut [0; 4096]);
}

pub(super) fn silent(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
}

pub(super) fn close(mut stream: TcpStream) {
    let mut buffer = [0; 16 << 10];
    let _ = stream.read(&mut buffer);
}

pub(super) fn reset(stream: TcpStream) {
    let mut buffer = [0; 64];
    let _ = (&stream).read(&mut buffer);
    // Closing with unread bytes, or with no time to linger, is a reset.
    let socket = socket2::Socket::from(stream);
    let _ = socket.set_linger(Some(Duration::ZERO));
}
