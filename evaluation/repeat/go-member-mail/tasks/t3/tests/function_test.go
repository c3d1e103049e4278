// package: invite
package invite

import (
	"testing"

	"club/members"
)

func TestJudge(t *testing.T) {
	all := []members.Member{{"A", "a+old@x.org"}, {"B", "b@x.org"}}
	got := ToInvite(all, []string{"A@X.org", "b+c@x.org", "c+1@x.org", "a@z.org"})
	if len(got) != 2 || got[0] != "c+1@x.org" || got[1] != "a@z.org" {
		t.Fatalf("c+1@x.org and a@z.org are no members: %v", got)
	}
}
