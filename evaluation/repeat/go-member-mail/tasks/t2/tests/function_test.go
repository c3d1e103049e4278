// package: list
package list

import (
	"testing"

	"club/members"
)

func TestJudge(t *testing.T) {
	all := []members.Member{{"A", "a@x.org"}, {"B", "b+1@x.org"}, {"A2", "A+q@x.org"}, {"B2", "b@x.org"}, {"C", "a@y.org"}}
	got := Unique(all)
	if len(got) != 3 || got[0].Name != "A" || got[1].Name != "B" || got[2].Name != "C" {
		t.Fatalf("A, B and C stay, not %v", got)
	}
}
