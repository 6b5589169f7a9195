module flotilla.example/hello

go 1.22
