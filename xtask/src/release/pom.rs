//! What a POM must tell before Maven Central takes it.

use roxmltree::{Document, Node};

use crate::failure::{Failure, Outcome};

/// Each by its way from the root.
const TOLD: [&str; 14] = [
    "groupId",
    "artifactId",
    "version",
    "name",
    "description",
    "url",
    "licenses/license/name",
    "licenses/license/url",
    "developers/developer/name",
    "developers/developer/organization",
    "developers/developer/organizationUrl",
    "scm/connection",
    "scm/developerConnection",
    "scm/url",
];

/// What this one does not tell.
pub(super) fn gaps(pom: &str) -> Outcome<Vec<&'static str>> {
    let document = Document::parse(pom).map_err(Failure::while_doing("the POM is no XML"))?;
    Ok(TOLD.into_iter().filter(|way| !is_told(document.root_element(), way)).collect())
}

/// Whether each element that the way leads to says something, and there is one.
fn is_told(element: Node<'_, '_>, way: &str) -> bool {
    let (name, rest) = way.split_once('/').map_or((way, None), |(name, rest)| (name, Some(rest)));
    let mut found = element.children().filter(|child| child.tag_name().name() == name).peekable();
    found.peek().is_some()
        && found.all(|child| match rest {
            Some(rest) => is_told(child, rest),
            None => child.text().is_some_and(|text| !text.trim().is_empty()),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_an_element_that_is_missing_or_says_nothing_whichever_of_several_it_is() {
        let told = |pom, way| is_told(Document::parse(pom).unwrap().root_element(), way);
        assert!(told("<project xmlns='p'><scm><url>u</url></scm></project>", "scm/url"));
        assert!(!told("<project><scm><url> </url></scm></project>", "scm/url"));
        assert!(!told("<project><url>u</url></project>", "scm/url"));
        let second = "<project><licenses><license><url>u</url></license><license/></licenses></project>";
        assert!(!told(second, "licenses/license/url"));
    }

    #[test]
    fn every_gap_is_named() {
        assert_eq!(gaps("<project/>").unwrap(), TOLD);
        assert!(gaps("no XML").is_err());
    }
}
