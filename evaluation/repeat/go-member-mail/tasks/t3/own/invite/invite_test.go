package invite

import (
	"testing"

	"club/members"
)

func TestAMemberIsNotInvitedByATag(t *testing.T) {
	all := []members.Member{{Name: "Eve", Mail: "eve@moss.org"}}
	if got := ToInvite(all, []string{"eve+spam@moss.org", "new@moss.org"}); len(got) != 1 || got[0] != "new@moss.org" {
		t.Fatalf("eve+spam is Eve, who is a member: %v", got)
	}
}
