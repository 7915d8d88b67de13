"""Opens, reads, changes and merges a pull request with PyGithub: a client that knows nothing of our server.

usage: github.py URL TOKEN REPOSITORY BRANCH
"""

import sys

# The folder of this script is searched first, and it holds a file of the client's own name.
sys.path.pop(0)

import github  # noqa: E402


def main(url, token, repository, branch):
    client = github.Github(auth=github.Auth.Token(token), base_url=f"{url}/api/v3", retry=None)
    shop = client.get_repo(int(repository))
    assert shop.id == int(repository), shop.id

    opened = shop.create_pull(base=shop.default_branch, head=branch, title="a stranger's change", body="first")
    tip = opened.head.sha
    assert opened.state == "open" and not opened.merged, opened.raw_data
    try:
        shop.create_pull(base=shop.default_branch, head=branch, title="again", body="")
    except github.GithubException as error:
        assert error.status == 422, error
    else:
        raise AssertionError("a second pull request was opened")

    opened.edit(body="first\r\nlast")
    read = shop.get_pull(opened.number)
    assert read.body == "first\r\nlast", read.body

    read.create_issue_comment("hello")
    assert [it.body for it in read.get_issue_comments()] == ["hello"]
    assert read.mergeable is True, read.mergeable
    try:
        read.merge(sha="0" * 40)
    except github.GithubException as error:
        assert error.status == 409, error
    else:
        raise AssertionError("it was merged with another head")
    answer = read.merge(commit_title="a stranger's change", sha=tip, merge_method="squash")
    assert answer.merged, answer.raw_data
    merged = shop.get_pull(opened.number)
    assert merged.merged and merged.merge_commit_sha == answer.sha, merged.raw_data
    print(answer.sha)


if __name__ == "__main__":
    main(*sys.argv[1:])
