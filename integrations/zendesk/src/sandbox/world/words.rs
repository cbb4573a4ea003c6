//! Closed lists of words: statuses, priorities, types, channels. Each has the API's word, and a title for people and for
//! placeholders.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal, $title:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(in super::super) enum $name { $($variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            pub fn read(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.word() == text)
            }
        }
    };
}

words! {
    /// How far a ticket is. The order counts for conditions such as `less_than`.
    Status {
        New = "new", "New";
        Open = "open", "Open";
        Pending = "pending", "Pending";
        Hold = "hold", "On-hold";
        Solved = "solved", "Solved";
        Closed = "closed", "Closed";
    }
}

words! {
    /// How pressing it is.
    Priority {
        Low = "low", "Low";
        Normal = "normal", "Normal";
        High = "high", "High";
        Urgent = "urgent", "Urgent";
    }
}

words! {
    /// What kind of ticket.
    Kind {
        Problem = "problem", "Problem";
        Incident = "incident", "Incident";
        Question = "question", "Question";
        Task = "task", "Task";
    }
}

words! {
    /// How something came in.
    Channel {
        Web = "web", "Web Form";
        Api = "api", "Web Service (API)";
        Rule = "rule", "Rule";
    }
}

words! {
    /// What somebody may do.
    Role {
        EndUser = "end-user", "End user";
        Agent = "agent", "Agent";
        Admin = "admin", "Administrator";
    }
}

impl Channel {
    /// The number that conditions (`current_via_id`) know it by.
    pub fn via_id(self) -> u64 {
        match self {
            Self::Web => 0,
            Self::Api => 5,
            Self::Rule => 8,
        }
    }
}

impl Role {
    pub fn is_staff(self) -> bool {
        self != Self::EndUser
    }
}
