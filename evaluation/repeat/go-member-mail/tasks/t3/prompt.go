package invite

import (
	"strings"

	"club/members"
)

// ToInvite gives the addresses out of a list whose owners are not members yet, as they are written there.
func ToInvite(all []members.Member, addresses []string) []string {
	<<<COMPLETE HERE>>>
}
