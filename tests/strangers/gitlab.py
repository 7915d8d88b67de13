"""Opens, reads, changes and merges a merge request with python-gitlab: a client that knows nothing of our server.

usage: gitlab.py URL TOKEN PROJECT BRANCH
"""

import sys

# The folder of this script is searched first, and it holds a file of the client's own name.
sys.path.pop(0)

import gitlab  # noqa: E402


def main(url, token, project, branch):
    client = gitlab.Gitlab(url, private_token=token)
    client.auth()
    shop = client.projects.get(int(project))
    tip = shop.branches.get(branch).commit["id"]

    opened = shop.mergerequests.create(
        {"source_branch": branch, "target_branch": shop.default_branch, "title": "a stranger's change", "labels": ["one"]}
    )
    assert opened.state == "opened" and opened.sha == tip, opened.attributes
    assert opened.author["id"] == client.user.id, opened.author
    try:
        shop.mergerequests.create({"source_branch": branch, "target_branch": shop.default_branch, "title": "again"})
    except gitlab.GitlabCreateError as error:
        assert error.response_code == 409, error
    else:
        raise AssertionError("a second merge request was opened")

    opened.description = "first\n/merge\nlast"
    opened.save()
    read = shop.mergerequests.get(opened.iid)
    assert read.description == "first\nlast", read.description

    note = read.notes.create({"body": "hello"})
    note.body = "hello again"
    note.save()
    assert [it.body for it in read.notes.list(get_all=True, sort="asc") if not it.system] == ["hello again"]

    shop.commits.get(tip).statuses.create({"state": "success", "name": "strange", "description": "fine"})
    statuses = shop.commits.get(tip).statuses.list(get_all=True)
    assert [(it.name, it.status, it.author["id"]) for it in statuses] == [("strange", "success", client.user.id)]

    assert read.detailed_merge_status == "mergeable", read.detailed_merge_status
    try:
        read.merge(sha="0" * 40)
    except gitlab.GitlabMRClosedError as error:
        assert error.response_code == 409, error
    else:
        raise AssertionError("it was merged with another head")
    read.merge(sha=tip)
    merged = shop.mergerequests.get(opened.iid)
    assert merged.state == "merged" and merged.merge_commit_sha, merged.attributes
    print(merged.merge_commit_sha)


if __name__ == "__main__":
    main(*sys.argv[1:])
