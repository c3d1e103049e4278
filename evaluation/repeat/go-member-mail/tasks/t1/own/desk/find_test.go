package desk

import (
	"testing"

	"club/members"
)

func TestATagBelongsToTheSameMailbox(t *testing.T) {
	all := []members.Member{{Name: "Eve", Mail: "eve@moss.org"}}
	if got := Find(all, "Eve+club@moss.org"); got == nil || got.Name != "Eve" {
		t.Fatalf("eve+club@moss.org is Eve's mailbox, found %v", got)
	}
}
