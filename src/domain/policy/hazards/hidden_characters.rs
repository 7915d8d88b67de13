//! Characters that a reviewer does not see: bidirectional controls, zero-width and tag characters.
//!
//! Must not count what stood there before.

use super::scene::Scene;

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let hidden = |text: &Option<String>| text.as_deref().is_some_and(|text| text.chars().any(is_invisible));
    let found = scene
        .leaves()
        .filter(|(_, leaf)| hidden(&leaf.after) || leaf.keys.iter().any(|key| key.chars().any(is_invisible)));
    found.map(|(file, leaf)| format!("{}: {}", file.path, leaf.path)).collect()
}

fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2069 | 0xFEFF | 0xE0000..=0xE007F)
}
