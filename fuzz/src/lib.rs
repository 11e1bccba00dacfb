//! What the targets share: records on their way from a reader to the checks, without a database.

use std::sync::LazyLock;

use aid_register::collections::ALL;
use aid_register::imports::Order;
use aid_register::imports::examine::{Current, examine};
use aid_register::imports::sink::{Closed, Sink};
use aid_register::input::Shapes;
use aid_register::kind::Kind;
use aid_register::openapi;
use tokio::sync::mpsc::channel;

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| Shapes::compile(&openapi::components()));

/// The first byte chooses a collection; the rest is to be read.
pub fn chosen(data: &[u8]) -> Option<(&'static Kind, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((ALL[usize::from(*first) % ALL.len()], rest))
}

/// Checks what `read` hands on, as an import does; what is right must be readable again.
pub fn import(read: impl FnOnce(&mut Sink) -> Result<(), Closed>) {
    let (sender, mut groups) = channel(100_000);
    let mut sink = Sink::new(sender);
    assert!(read(&mut sink).and_then(|()| sink.flush()).is_ok(), "the groups have room");
    let (order, current) = (Order::default(), Current::new());
    while let Ok(group) = groups.try_recv() {
        for raw in group {
            let examined = examine(&SHAPES, &order, raw, &current);
            let Some(entry) = examined.entry.filter(|entry| !entry.faulty) else { continue };
            if let Some(doc) = entry.doc {
                let view = (entry.kind.view)(&doc.to_string());
                assert!(view.is_ok(), "{:?} of {doc}", view.err());
            }
        }
    }
}
