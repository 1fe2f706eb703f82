//! The memory of an isolate: the heap limit, the allocator of array buffers, and what happens when V8 has no way on.

use std::alloc::Layout;
use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use crate::control::{Control, Stop};

/// What an isolate may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Bytes of the JavaScript heap.
    pub heap: usize,
    /// Bytes outside of it: array buffers, shared and resizable ones, and wasm memories.
    pub off_heap: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            heap: 128 << 20,
            off_heap: 128 << 20,
        }
    }
}

/// Counts the bytes of array buffers and refuses more than the limit.
pub(crate) struct Budget {
    used: AtomicUsize,
    limit: usize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            used: AtomicUsize::new(0),
            limit,
        })
    }

    /// Takes `len` bytes, if they are left.
    pub(crate) fn take(&self, len: usize) -> bool {
        self.used
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |used| {
                used.checked_add(len).filter(|sum| *sum <= self.limit)
            })
            .is_ok()
    }

    /// Gives `len` bytes back.
    pub(crate) fn give(&self, len: usize) {
        self.used.fetch_sub(len, Ordering::SeqCst);
    }

    /// The most that may be in use.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }
}

/// An allocator that takes from `budget`.
#[expect(
    unsafe_code,
    reason = "V8 takes an allocator as a table of C functions"
)]
pub(crate) fn allocator(budget: Arc<Budget>) -> v8::UniqueRef<v8::Allocator> {
    // SAFETY: the pointer is an `Arc<Budget>` that `release` gives back, as the table's types say.
    unsafe { v8::new_rust_allocator(Arc::into_raw(budget), &ALLOCATOR) }
}

static ALLOCATOR: v8::RustAllocatorVtable<Budget> = v8::RustAllocatorVtable {
    allocate,
    // Memory of other tenants must never show: uninitialised memory is zeroed too.
    allocate_uninitialized: allocate,
    free,
    drop: release,
};

/// V8 wants memory that any element type can live in.
const ALIGNMENT: usize = 16;

#[expect(
    unsafe_code,
    reason = "V8 takes an allocator as a table of C functions"
)]
unsafe extern "C" fn allocate(budget: &Budget, len: usize) -> *mut c_void {
    let Ok(layout) = Layout::from_size_align(len.max(1), ALIGNMENT) else {
        return std::ptr::null_mut();
    };
    if !budget.take(len) {
        return std::ptr::null_mut();
    }
    // SAFETY: the layout has a size of at least one.
    let data = unsafe { std::alloc::alloc_zeroed(layout) };
    if data.is_null() {
        budget.give(len);
    }
    data.cast()
}

#[expect(
    unsafe_code,
    reason = "V8 takes an allocator as a table of C functions"
)]
unsafe extern "C" fn free(budget: &Budget, data: *mut c_void, len: usize) {
    if data.is_null() {
        return;
    }
    budget.give(len);
    if let Ok(layout) = Layout::from_size_align(len.max(1), ALIGNMENT) {
        // SAFETY: V8 frees what `allocate` gave, with the length it asked for.
        unsafe { std::alloc::dealloc(data.cast(), layout) };
    }
}

#[expect(
    unsafe_code,
    reason = "V8 takes an allocator as a table of C functions"
)]
unsafe extern "C" fn release(budget: *const Budget) {
    // SAFETY: made by `Arc::into_raw` in `allocator`, released once.
    drop(unsafe { Arc::from_raw(budget) });
}

/// Tells V8's memory callbacks which execution runs.
pub(crate) struct HeapGuard {
    isolate: v8::IsolateHandle,
    running: Mutex<Option<Arc<Control>>>,
}

impl HeapGuard {
    pub(crate) fn new(isolate: v8::IsolateHandle) -> Self {
        Self {
            isolate,
            running: Mutex::new(None),
        }
    }

    /// From now on `control` is told.
    pub(crate) fn watch(&self, control: Option<Arc<Control>>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = control;
    }

    fn exhausted(&self) {
        if let Some(control) = &*self.running.lock().unwrap_or_else(PoisonError::into_inner) {
            control.stop(Stop::OutOfMemory);
            self.isolate.terminate_execution();
        }
    }
}

/// What [`sample`] compares, in a slot of the isolate.
pub(crate) struct Ceiling {
    pub(crate) guard: Rc<HeapGuard>,
    /// Bytes outside of the heap.
    pub(crate) off_heap: usize,
}

/// Called on the isolate's thread every now and then while it runs: memories that a wasm module declares or grows itself pass
/// every other count. What it finds is over the limit already, by as much as can be allocated between two samples.
#[expect(unsafe_code, reason = "V8 calls back with a raw pointer")]
pub(crate) unsafe extern "C" fn sample(isolate: &mut v8::Isolate, _data: *mut c_void) {
    let external = isolate.get_heap_statistics().external_memory();
    if let Some(ceiling) = isolate.get_slot::<Ceiling>()
        && external > ceiling.off_heap.saturating_add(SLACK)
    {
        ceiling.guard.exhausted();
    }
}

/// What V8 counts as external beside array buffers, and does not always take back at once.
const SLACK: usize = 64 << 20;

/// Between two executions: what earlier ones left behind does not count against the next. V8's collector runs beside the program,
/// and where a busy machine lets it fall behind, the heap's limit is reached with a heap full of garbage.
pub(crate) fn leave_room(isolate: &mut v8::Isolate, limit: usize) {
    if isolate.get_heap_statistics().used_heap_size() > limit / 2 {
        isolate.low_memory_notification();
    }
}

/// V8 asks here for a higher limit: the execution is terminated, and gets just enough to unwind.
#[expect(unsafe_code, reason = "V8 calls back with a raw pointer")]
pub(crate) unsafe extern "C" fn near_heap_limit(
    guard: *mut c_void,
    current: usize,
    _initial: usize,
) -> usize {
    // SAFETY: the isolate's thread registered a `HeapGuard` that outlives the isolate.
    let guard = unsafe { &*guard.cast::<HeapGuard>() };
    guard.exhausted();
    current + current / 2 + (16 << 20)
}

/// What is called with V8's word for the place where it gave up.
pub(crate) type OnLoss = Box<dyn Fn(String)>;

thread_local! {
    /// Tells the one who waits for this thread that it will not come back.
    static ON_LOSS: RefCell<Option<OnLoss>> = const { RefCell::new(None) };
}

/// Sets what is called when this thread's isolate is lost.
pub(crate) fn on_loss(tell: Option<OnLoss>) {
    ON_LOSS.with(|slot| *slot.borrow_mut() = tell);
}

/// V8 aborts the process when this returns (`Array(1e9).fill(0)` is enough for it). So it never does: the one who waits is
/// told, and the thread is parked for good with everything it holds.
#[expect(unsafe_code, reason = "V8 calls back with raw pointers")]
pub(crate) unsafe extern "C" fn out_of_memory(location: *const c_char, _details: &v8::OomDetails) {
    let location = if location.is_null() {
        String::new()
    } else {
        // SAFETY: V8 gives a C string literal.
        unsafe { CStr::from_ptr(location) }
            .to_string_lossy()
            .into_owned()
    };
    ON_LOSS.with(|slot| {
        if let Ok(slot) = slot.try_borrow()
            && let Some(tell) = &*slot
        {
            tell(location);
        }
    });
    park()
}

fn park() -> ! {
    loop {
        std::thread::park();
    }
}
