module registry

go 1.23.8

require github.com/twmb/franz-go/pkg/sr v1.5.0
