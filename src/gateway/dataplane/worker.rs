//! One worker: a thread with a runtime of its own that accepts, serves and
//! forwards without ever asking another.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use super::closing;
use super::connection;
use super::current::Current;
use super::settings::ServerSettings;
use super::signals::{Cut, Signals};
use super::stats::{Counter, Stats};
use super::worker_state::WorkerState;

/// What a worker is told.
pub(super) enum Command {
    /// Accept on a socket of this Gateway port.
    Open(u16, std::net::TcpListener),
    /// Accept no more on this Gateway port.
    Close(u16),
    /// Accept no more at all, let requests end, then end.
    Drain(Duration),
}

/// A running worker; dropping it ends the worker at once.
pub(super) struct WorkerHandle {
    commands: mpsc::UnboundedSender<Command>,
    thread: JoinHandle<()>,
    /// What it counts.
    pub(super) stats: Arc<Stats>,
}

impl WorkerHandle {
    /// Starts a worker without any port.
    pub(super) fn start(index: usize, settings: &Arc<ServerSettings>, current: &Arc<Current>) -> io::Result<Self> {
        let (commands, inbox) = mpsc::unbounded_channel();
        let stats = Arc::new(Stats::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let (settings, current, counted) = (Arc::clone(settings), Arc::clone(current), Arc::clone(&stats));
        let thread = std::thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || {
                let tasks = LocalSet::new();
                let worker = Worker::new(index, settings, current, counted);
                tasks.block_on(&runtime, Rc::clone(&worker).run(inbox));
                worker.state.tasks.end();
                drop(tasks);
                worker.state.log.flush();
            })?;
        Ok(Self {
            commands,
            thread,
            stats,
        })
    }

    /// Tells the worker; one that has ended hears nothing.
    pub(super) fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    /// Waits until the worker has ended.
    pub(super) fn join(self) {
        let Self { commands, thread, .. } = self;
        let _ = thread.join();
        drop(commands);
    }
}

/// A worker's connections, over what they share.
struct Worker {
    state: Rc<WorkerState>,
    connections: RefCell<HashMap<u64, Rc<Signals>>>,
    next_connection: Cell<u64>,
    draining: Cell<bool>,
}

impl Worker {
    fn new(index: usize, settings: Arc<ServerSettings>, current: Arc<Current>, stats: Arc<Stats>) -> Rc<Self> {
        Rc::new(Self {
            state: Rc::new(WorkerState::new(index, settings, current, stats)),
            connections: RefCell::default(),
            next_connection: Cell::new(0),
            draining: Cell::new(false),
        })
    }

    async fn run(self: Rc<Self>, mut inbox: mpsc::UnboundedReceiver<Command>) {
        tokio::task::spawn_local(Rc::clone(&self).sweep());
        let mut ports: HashMap<u16, oneshot::Sender<()>> = HashMap::new();
        while let Some(command) = inbox.recv().await {
            match command {
                Command::Open(port, socket) => match tokio::net::TcpListener::from_std(socket) {
                    Ok(listener) => {
                        let (stop, stopped) = oneshot::channel();
                        ports.insert(port, stop);
                        tokio::task::spawn_local(Rc::clone(&self).accept(listener, port, stopped));
                    }
                    Err(error) => tracing::error!("port {port} cannot be served: {error}"),
                },
                Command::Close(port) => drop(ports.remove(&port)),
                Command::Drain(grace) => {
                    ports.clear();
                    self.drain(grace).await;
                    return;
                }
            }
        }
    }

    async fn accept(self: Rc<Self>, listener: tokio::net::TcpListener, port: u16, mut stopped: oneshot::Receiver<()>) {
        loop {
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer, port),
                    // Out of file descriptors, mostly: the next try may find one freed.
                    Err(error) => {
                        tracing::warn!("port {port}: a connection cannot be accepted: {error}");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
            }
        }
        // Clients already queued by the kernel are still served.
        if let Ok(listener) = listener.into_std() {
            while let Ok((stream, peer)) = listener.accept() {
                if stream.set_nonblocking(true).is_ok()
                    && let Ok(stream) = TcpStream::from_std(stream)
                {
                    self.admit(stream, peer, port);
                }
            }
        }
    }

    fn admit(self: &Rc<Self>, stream: TcpStream, peer: std::net::SocketAddr, port: u16) {
        let share = self.state.settings.limits.connections / self.state.settings.threads.max(1);
        self.state.stats.add(Counter::Connections);
        if self.connections.borrow().len() >= share.max(1) {
            self.state.stats.add(Counter::ConnectionsRefused);
            closing::reset(stream);
            return;
        }
        let number = self.next_connection.get();
        self.next_connection.set(number + 1);
        let signals = Rc::new(Signals::new(&self.state.seconds));
        if self.draining.get() {
            signals.cut(Cut::Gently);
        }
        self.connections.borrow_mut().insert(number, Rc::clone(&signals));
        self.state.stats.set_active(self.connections.borrow().len());
        let worker = Rc::clone(self);
        tokio::task::spawn_local(async move {
            connection::serve(&worker.state, stream, peer, port, signals).await;
            worker.connections.borrow_mut().remove(&number);
            worker.state.stats.set_active(worker.connections.borrow().len());
        });
    }

    async fn drain(&self, grace: Duration) {
        self.draining.set(true);
        // The accept tasks may still admit what the kernel had queued.
        tokio::task::yield_now().await;
        for signals in self.connections.borrow().values() {
            signals.cut(Cut::Gently);
        }
        let end = Instant::now() + grace;
        while !self.connections.borrow().is_empty() && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let left = self.connections.borrow().len();
        if left > 0 {
            tracing::warn!(
                "{left} connections were still in use after {} s and are cut",
                grace.as_secs()
            );
        }
    }

    /// Once a second: counts the seconds, cuts what has waited too long, and
    /// closes unused upstream connections. So no request needs a timer of its own.
    async fn sweep(self: Rc<Self>) {
        let started = Instant::now();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let now = started.elapsed().as_secs() as u32;
            self.state.seconds.store(now, Relaxed);
            for signals in self.connections.borrow().values() {
                signals.check(now, &self.state.settings.limits);
            }
            self.state.upstreams.sweep(now);
        }
    }
}
