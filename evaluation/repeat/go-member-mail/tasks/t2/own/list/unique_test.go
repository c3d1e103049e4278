package list

import (
	"testing"

	"club/members"
)

func TestATagMakesNoOtherMember(t *testing.T) {
	all := []members.Member{{Name: "Eve", Mail: "eve@moss.org"}, {Name: "Eve Moss", Mail: "eve+list@moss.org"}}
	if got := Unique(all); len(got) != 1 {
		t.Fatalf("eve and eve+list are one mailbox, %d members stay", len(got))
	}
}
