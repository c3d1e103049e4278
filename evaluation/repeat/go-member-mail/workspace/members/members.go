// Package members has the people of the club.
package members

// Member is one person.
type Member struct {
	Name string
	Mail string
}
