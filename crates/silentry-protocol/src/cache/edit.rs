//! Changing a document: rows are found by their members, and what others wrote in them stays.

use zeroize::Zeroizing;

use super::{CacheDocument, Entity, EntityKind, Member, Root, Row};

impl CacheDocument {
    /// Removes the entities of one kind that `keep` refuses. Rows that are no entities stay.
    pub fn retain(&mut self, kind: EntityKind, mut keep: impl FnMut(&Entity) -> bool) {
        for (name, root) in &mut self.members {
            if let (true, Root::Entities(rows)) = (name == kind.root(), root) {
                rows.retain(|(_, row)| match row {
                    Row::Entity(entity) => keep(entity),
                    Row::Other(_) => true,
                });
            }
        }
    }

    /// Sets the members of the first entity that `is_same` finds, under the key that it has; without
    /// one a new entity begins under `key`, in place of whatever had that key.
    ///
    /// An entity keeps the name that it has for its cloud, which is part of its key: MSAL Node makes the
    /// key of an account from its members, and would not find it any more.
    pub fn put<'a>(
        &mut self,
        kind: EntityKind,
        is_same: impl Fn(&Entity) -> bool,
        key: &str,
        members: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) {
        let rows = self.rows_mut(kind);
        let known = rows.iter_mut().find_map(|(_, row)| match row {
            Row::Entity(entity) if is_same(entity) => Some(entity),
            _ => None,
        });
        if let Some(entity) = known {
            let of_key = |name: &str| name == "environment" && entity.text(name).is_some();
            let members: Vec<_> = members
                .into_iter()
                .filter(|(name, _)| !of_key(name))
                .collect();
            for (name, value) in members {
                entity.set(name, value);
            }
            return;
        }
        let mut entity = Entity::default();
        members
            .into_iter()
            .for_each(|(name, value)| entity.set(name, value));
        rows.retain(|(own, _)| own != key);
        rows.push((key.to_owned(), Row::Entity(entity)));
    }

    /// The rows of one kind, of a root that is made when it is missing or no object.
    fn rows_mut(&mut self, kind: EntityKind) -> &mut Vec<(String, Row)> {
        let is_root = |(name, root): &(String, Root)| {
            name == kind.root() && matches!(root, Root::Entities(_))
        };
        let at = self.members.iter().position(is_root).unwrap_or_else(|| {
            self.members.retain(|(name, _)| name != kind.root());
            self.members
                .push((kind.root().to_owned(), Root::Entities(Vec::new())));
            self.members.len() - 1
        });
        match &mut self.members[at].1 {
            Root::Entities(rows) => rows,
            Root::Other(_) => unreachable!("the root was chosen for having entities"),
        }
    }
}

impl Entity {
    /// Sets a member to a text, or removes it: `null` breaks some readers.
    fn set(&mut self, name: &str, value: Option<&str>) {
        let Some(value) = value else {
            self.members.retain(|(own, _)| own != name);
            return;
        };
        let text = Member::Text(Zeroizing::new(value.to_owned()));
        match self.members.iter_mut().rev().find(|(own, _)| own == name) {
            Some((_, member)) => *member = text,
            None => self.members.push((name.to_owned(), text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> CacheDocument {
        CacheDocument::parse(text.as_bytes()).unwrap()
    }

    fn put(document: &mut CacheDocument, key: &str, home: &str, name: &str) {
        document.put(
            EntityKind::Account,
            |row| row.text("home_account_id") == Some(home),
            key,
            [
                ("home_account_id", Some(home)),
                ("username", Some(name)),
                ("old", None),
            ],
        );
    }

    #[test]
    fn a_known_entity_keeps_its_key_and_what_others_wrote() {
        let mut document = parse(
            r#"{"Zoo":1,"Account":{"K":{"home_account_id":"u","theirs":[1],"old":"x","username":"a"}}}"#,
        );
        put(&mut document, "other", "u", "b");
        assert_eq!(
            document.to_json().expose(),
            r#"{"Zoo":1,"Account":{"K":{"home_account_id":"u","theirs":[1],"username":"b"}}}"#
        );
    }

    #[test]
    fn a_known_entity_keeps_the_name_of_its_cloud() {
        for (before, after) in [
            (r#""login.windows.net""#, "login.windows.net"),
            ("null", "login.microsoftonline.com"),
        ] {
            let mut document = parse(&format!(
                r#"{{"Account":{{"a":{{"environment":{before}}}}}}}"#
            ));
            document.put(
                EntityKind::Account,
                |_| true,
                "b",
                [("environment", Some("login.microsoftonline.com"))],
            );
            let (key, row) = document.entities(EntityKind::Account).next().unwrap();
            assert_eq!((key, row.text("environment")), ("a", Some(after)));
        }
    }

    #[test]
    fn a_new_entity_takes_its_key_and_makes_its_root() {
        for text in ["{}", r#"{"Account":null}"#, r#"{"Account":"no object"}"#] {
            let mut document = parse(text);
            put(&mut document, "k", "u", "a");
            put(&mut document, "k", "v", "b");
            assert_eq!(
                document.to_json().expose(),
                r#"{"Account":{"k":{"home_account_id":"v","username":"b"}}}"#
            );
        }
    }

    #[test]
    fn rows_that_are_no_entities_stay() {
        let mut document =
            parse(r#"{"Account":{"n":null,"a":{"x":"1"},"b":{}},"IdToken":{"a":{}}}"#);
        document.retain(EntityKind::Account, |row| row.text("x").is_none());
        assert_eq!(
            document.to_json().expose(),
            r#"{"Account":{"n":null,"b":{}},"IdToken":{"a":{}}}"#
        );
    }
}
