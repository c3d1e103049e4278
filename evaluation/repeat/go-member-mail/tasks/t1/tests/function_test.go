// package: desk
package desk

import (
	"testing"

	"club/members"
)

func TestJudge(t *testing.T) {
	all := []members.Member{{Name: "Ann", Mail: "ann+news@x.org"}, {Name: "Bob", Mail: "bob@x.org"}}
	for mail, want := range map[string]string{"ANN@x.org": "Ann", " bob+a+b@X.org": "Bob"} {
		if got := Find(all, mail); got == nil || got.Name != want {
			t.Fatalf("%q is %s's mailbox, found %v", mail, want, got)
		}
	}
	if got := Find(all, "bob@y.org"); got != nil {
		t.Fatalf("found %v", got)
	}
}
