//! Namespaces that nothing of ours may touch; the floor is compiled in and can only be added to.

/// The floor.
pub const FLOOR: [&str; 9] = [
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "rook-ceph",
    "vault",
    "external-secrets",
    "cnpg-system",
    "calico-system",
    "tigera-operator",
];

/// The protected namespace that this one is, or looks like.
pub fn protects<'a>(namespace: &str, extra: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let wanted = skeleton(namespace);
    let hit = FLOOR.iter().copied().chain(extra).find(|floor| skeleton(floor) == wanted);
    hit.map(str::to_owned)
}

/// The name with look-alike letters of other scripts brought to their Latin ones.
fn skeleton(name: &str) -> String {
    name.trim().chars().flat_map(char::to_lowercase).filter_map(latin).collect()
}

fn latin(c: char) -> Option<char> {
    Some(match c {
        'а' | 'ɑ' | 'α' => 'a',
        'ь' | 'ḅ' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ё' | 'ε' => 'e',
        'һ' => 'h',
        'і' | 'ı' | 'ι' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' | 'ⅼ' => 'l',
        'м' | 'ⅿ' => 'm',
        'ո' | 'п' => 'n',
        'о' | 'ο' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        '‐' | '‑' | '‒' | '–' | '—' | '−' | '﹘' | '－' => '-',
        full @ '\u{ff41}'..='\u{ff5a}' => char::from_u32(u32::from(full) - 0xff41 + u32::from('a'))?,
        hidden if matches!(u32::from(hidden), 0xAD | 0x200B..=0x200F | 0x2060..=0x206F | 0xFEFF | 0x300..=0x36F) => {
            return None;
        }
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tm85_look_alikes_are_protected() {
        for name in ["kube-system", "kube-systеm", "KUBE-SYSTEM", "kube\u{2011}system", "kube-sys\u{200b}tem", "ｖault"]
        {
            assert!(protects(name, []).is_some(), "{name}");
        }
        assert_eq!(protects("payments", []), None);
        assert_eq!(protects("payments", ["payments"]).as_deref(), Some("payments"));
    }
}
