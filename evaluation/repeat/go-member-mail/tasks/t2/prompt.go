package list

import (
	"strings"

	"club/members"
)

// Unique gives the members without those who are in the list twice; the first one stays.
func Unique(all []members.Member) []members.Member {
	<<<COMPLETE HERE>>>
}
