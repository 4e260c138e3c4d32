use std::sync::Arc;

use silentry::{Browser, BrowserError, DeviceCode};
use silentry_lab::{Lab, Person, user};

/// Returns a user of the lab who knows what is asked of them.
pub(crate) fn person(name: &str) -> Person {
    Person::new(user(name).unwrap())
}

/// A person of the lab at a browser, who signs in at whatever page is shown.
#[derive(Clone)]
pub(crate) struct PersonAtBrowser {
    pub(crate) lab: Arc<Lab>,
    pub(crate) person: Person,
}

impl PersonAtBrowser {
    /// Signs in at this page, beside the test; how it ended the application says.
    pub(crate) fn sign_in(self, page: String) {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let mut browser = self.lab.browser().unwrap();
            let signed_in = runtime.block_on(browser.sign_in(&page, &self.person));
            signed_in.map(drop)
        });
    }

    /// Enters a device code and signs in.
    pub(crate) fn enter(self, code: &DeviceCode) {
        let page = code.verification_uri().to_owned();
        let person = self.person.with_user_code(code.user_code());
        PersonAtBrowser { person, ..self }.sign_in(page);
    }
}

impl Browser for PersonAtBrowser {
    fn open(&self, url: &str) -> Result<(), BrowserError> {
        self.clone().sign_in(url.to_owned());
        Ok(())
    }
}
