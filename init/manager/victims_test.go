package manager

import "testing"

func TestVictim(t *testing.T) {
	t.Parallel()
	const head = "6,1204,98234,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/orderly/a,"
	for record, want := range map[string]string{
		head + "task_memcg=/orderly/a,task=hog,pid=140,uid=0\n":                  "hog, pid 140",
		head + "task_memcg=/orderly/a/below,task=a,pid=1,b,pid=140,uid=0\n":      "a,pid=1,b, pid 140",
		head + "task_memcg=/orderly/ab,task=hog,pid=140,uid=0\n":                 "",
		head + "task_memcg=/orderly/b,task=hog,pid=140,uid=0\n":                  "",
		"1" + head + "task_memcg=/orderly/a,task=hog,pid=140,uid=0\n":            "",
		"6,1204,98234,-;somebody: oom-kill:task_memcg=/orderly/a,task=x,pid=1\n": "",
		head + "task_memcg=/orderly/a,task=hog":                                  "",
		"":                                                                       "",
	} {
		if got := victim(record, "/orderly/a"); got != want {
			t.Errorf("%q: %q, want %q", record, got, want)
		}
	}
	if got := named([]string{"a, pid 1", "b, pid 2", "c, pid 3"}, 2); got != " (b, pid 2; c, pid 3)" {
		t.Error(got)
	}
	if got := named(nil, 2); got != "" {
		t.Error(got)
	}
}
