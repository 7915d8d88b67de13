//! Whole objects as GitHub writes them.

use super::hub::Hub;
use super::{APP, BOT};
use countersign::domain::facts::User;
use countersign::domain::ids::Time;
use serde_json::{Value, json};

/// When everything was made that has no date of its own.
pub const LONG_AGO: &str = "2025-11-03T09:00:00Z";

/// A moment as GitHub writes it: whole seconds.
pub fn date(at: Time) -> String {
    at.whole_second().timestamp().to_string()
}

impl Hub {
    pub fn user(&self, user: &User) -> Value {
        let (url, login) = (&self.url, &user.login);
        let at = format!("{url}/api/v3/users/{login}");
        json!({
            "login": login, "id": user.id, "node_id": format!("U_{}", user.id), "gravatar_id": "",
            "avatar_url": format!("{url}/avatars/{}", user.id), "url": at, "html_url": format!("{url}/{login}"),
            "followers_url": format!("{at}/followers"), "following_url": format!("{at}/following{{/other_user}}"),
            "gists_url": format!("{at}/gists{{/gist_id}}"), "starred_url": format!("{at}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{at}/subscriptions"), "organizations_url": format!("{at}/orgs"),
            "repos_url": format!("{at}/repos"), "events_url": format!("{at}/events{{/privacy}}"),
            "received_events_url": format!("{at}/received_events"), "type": Hub::kind(user), "site_admin": false,
            "user_view_type": "public"
        })
    }

    /// The owner of the repository, an organisation.
    pub fn owner(&self) -> User {
        let name = self.mood().name.clone();
        User { id: 500, login: name.split('/').next().unwrap().to_owned() }
    }

    pub fn repository(&self) -> Value {
        let name = self.mood().name.clone();
        let short = name.split('/').nth(1).unwrap().to_owned();
        let (at, html) = (self.api(""), self.html(""));
        let mut owner = self.user(&self.owner());
        owner["type"] = "Organization".into();
        let mut all = json!({
            "id": self.place.id, "node_id": format!("R_{}", self.place.id), "name": short, "full_name": name,
            "private": true, "owner": owner, "html_url": html, "description": null, "fork": false, "url": at,
            "git_url": format!("git://example/{name}.git"), "ssh_url": format!("git@example:{name}.git"),
            "clone_url": format!("{html}.git"), "svn_url": html, "mirror_url": null, "homepage": null,
            "created_at": LONG_AGO, "updated_at": LONG_AGO, "pushed_at": LONG_AGO, "size": 100,
            "stargazers_count": 0, "watchers_count": 0, "watchers": 0, "language": null, "license": null,
            "has_issues": true, "has_projects": false, "has_downloads": true, "has_wiki": false, "has_pages": false,
            "has_discussions": false, "forks": 0, "forks_count": 0, "open_issues": 0, "open_issues_count": 0,
            "network_count": 0, "subscribers_count": 0, "archived": self.mood().archived, "disabled": false, "visibility": "private",
            "default_branch": self.bare().default_branch().unwrap(), "allow_squash_merge": true,
            "allow_merge_commit": true, "allow_rebase_merge": true, "topics": [], "is_template": false,
            "web_commit_signoff_required": false,
            "permissions": {"admin": false, "push": true, "pull": true}
        });
        for (field, rest) in [
            ("archive_url", "/{archive_format}{/ref}"),
            ("assignees_url", "/assignees{/user}"),
            ("blobs_url", "/git/blobs{/sha}"),
            ("branches_url", "/branches{/branch}"),
            ("collaborators_url", "/collaborators{/collaborator}"),
            ("comments_url", "/comments{/number}"),
            ("commits_url", "/commits{/sha}"),
            ("compare_url", "/compare/{base}...{head}"),
            ("contents_url", "/contents/{+path}"),
            ("contributors_url", "/contributors"),
            ("deployments_url", "/deployments"),
            ("downloads_url", "/downloads"),
            ("events_url", "/events"),
            ("forks_url", "/forks"),
            ("git_commits_url", "/git/commits{/sha}"),
            ("git_refs_url", "/git/refs{/sha}"),
            ("git_tags_url", "/git/tags{/sha}"),
            ("hooks_url", "/hooks"),
            ("issue_comment_url", "/issues/comments{/number}"),
            ("issue_events_url", "/issues/events{/number}"),
            ("issues_url", "/issues{/number}"),
            ("keys_url", "/keys{/key_id}"),
            ("labels_url", "/labels{/name}"),
            ("languages_url", "/languages"),
            ("merges_url", "/merges"),
            ("milestones_url", "/milestones{/number}"),
            ("notifications_url", "/notifications{?since,all,participating}"),
            ("pulls_url", "/pulls{/number}"),
            ("releases_url", "/releases{/id}"),
            ("stargazers_url", "/stargazers"),
            ("statuses_url", "/statuses/{sha}"),
            ("subscribers_url", "/subscribers"),
            ("subscription_url", "/subscription"),
            ("tags_url", "/tags"),
            ("teams_url", "/teams"),
            ("trees_url", "/git/trees{/sha}"),
        ] {
            all[field] = format!("{at}{rest}").into();
        }
        all
    }

    /// The App as check runs show it.
    pub fn app_object(&self, id: u64) -> Value {
        let slug = if id == APP { "countersign".to_owned() } else { format!("app-{id}") };
        let owner = self.user(&self.owner());
        json!({
            "id": id, "slug": slug, "node_id": format!("A_{id}"), "owner": owner, "name": slug, "description": null,
            "external_url": "https://example.com", "html_url": format!("{}/apps/{slug}", self.url),
            "created_at": LONG_AGO, "updated_at": LONG_AGO, "events": ["pull_request"],
            "permissions": self.mood().grants.clone()
        })
    }

    /// A user by number, as far as anybody here is known.
    pub fn somebody(&self, id: u64) -> Option<User> {
        if id == BOT {
            return Some(super::bot());
        }
        let mood = self.mood();
        mood.people
            .iter()
            .find(|(_, number, _)| *number == id)
            .map(|(login, id, _)| User { id: *id, login: login.clone() })
    }
}
