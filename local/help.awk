# Lists a Makefile's documented targets under their headings: `##@ Heading`, `target: … ## what it does`.
BEGIN {
  colour = ENVIRON["NO_COLOR"] == "" && system("test -t 1") == 0
  bold = colour ? "\033[1m" : ""; name = colour ? "\033[36m" : ""; end = colour ? "\033[0m" : ""
  FS = ":.*## "
  print bold "Chatledger" end ": the system of record for AI-chat logs"
}
/^##@ / { printf "\n%s%s%s\n", bold, substr($0, 5), end }
/^[a-z0-9-]+:.*## / { printf "  %smake %-11s%s %s\n", name, $1, end, $2 }
