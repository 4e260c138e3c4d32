//! A store that does not answer: what it costs, and that it is asked again only once it can answer.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use silentry::Secret;
use silentry::cache::store::{StoreError, StoreVersion, TokenStore};
use silentry::{PublicClientApplication, TokenCache};

/// A store on a disk that hangs until somebody lets it go on.
#[derive(Clone, Default)]
struct HangingStore(Arc<Disk>);

#[derive(Default)]
struct Disk {
    asked: AtomicU32,
    goes_on: Mutex<bool>,
    change: Condvar,
}

impl HangingStore {
    fn hang(&self) {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        let goes_on = self.0.goes_on.lock().unwrap();
        drop(self.0.change.wait_while(goes_on, |goes_on| !*goes_on));
    }

    fn go_on(&self) {
        *self.0.goes_on.lock().unwrap() = true;
        self.0.change.notify_all();
    }

    fn asked(&self) -> u32 {
        self.0.asked.load(Ordering::SeqCst)
    }
}

impl TokenStore for HangingStore {
    fn read(&self, _: Option<&StoreVersion>) -> Result<Option<(Secret, StoreVersion)>, StoreError> {
        self.hang();
        Ok(Some((Secret::from("{}"), StoreVersion::new([1]))))
    }

    fn update(
        &self,
        _: &mut dyn FnMut(&Secret) -> Option<Secret>,
    ) -> Result<StoreVersion, StoreError> {
        self.hang();
        Ok(StoreVersion::new([2]))
    }

    fn set_aside(&self, _: &StoreVersion) -> Result<Option<String>, StoreError> {
        Ok(None)
    }
}

#[tokio::test]
async fn a_store_that_hangs_holds_one_thread_and_nobody_up() {
    let store = HangingStore::default();
    let app = PublicClientApplication::builder("11111111-2222-3333-4444-555555555555")
        .with_token_cache(TokenCache::with_store(store.clone()))
        .build()
        .unwrap();
    let error = app.accounts().await.unwrap_err();
    assert_eq!(error.code(), "token_cache_failed");
    assert!(
        error.to_string().contains("did not answer within"),
        "{error}"
    );
    for _ in 0..5 {
        let error = app.accounts().await.unwrap_err();
        assert!(error.to_string().contains("still does not"), "{error}");
    }
    assert_eq!(store.asked(), 1);

    store.go_on();
    // The work that was overdue ends in its own time.
    while app.accounts().await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(store.asked(), 2);
}
