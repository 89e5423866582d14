//! Who may change what of a conversation, and what becomes of it. Pure.

use super::{
    clock::Timestamp,
    conversation::MAX_MEMBERS,
    ids::{ConversationId, UserId},
    refusal::Refusal,
    text::Title,
};

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Change the title and the members.
    Owner,
    /// Talk, and leave.
    Member,
}

impl Role {
    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
        }
    }

    /// What the database returned.
    pub fn from_stored(name: &str) -> Self {
        if name == Self::Owner.name() { Self::Owner } else { Self::Member }
    }
}

/// Somebody who belongs to a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// As what.
    pub role: Role,
    /// Since when.
    pub joined_at: Timestamp,
}

/// What shall be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The title.
    Rename(Option<Title>),
    /// These shall be members, each named once.
    Add(Vec<UserId>),
    /// This one shall not be; oneself: leaves.
    Remove(UserId),
}

/// A request to change a conversation.
#[derive(Clone, Debug)]
pub struct ConversationEdit {
    /// Which.
    pub id: ConversationId,
    /// Who asks.
    pub actor: UserId,
    /// What for.
    pub edit: Edit,
}

/// What has to be changed; all empty when it is so already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// The new title.
    pub title: Option<Option<Title>>,
    /// Who comes.
    pub added: Vec<UserId>,
    /// Who goes.
    pub removed: Option<UserId>,
    /// Who becomes an owner, because the last one goes.
    pub promoted: Option<UserId>,
}

impl Effect {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ConversationEdit {
    /// Decides it. `members` are all there are; whether those to be added exist is somebody else's question.
    ///
    /// # Errors
    /// [`Refusal::NotAMember`], [`Refusal::NotAnOwner`], [`Refusal::DirectConversation`], [`Refusal::NoSuchMember`],
    /// [`Refusal::Invalid`] when there would be too many members.
    pub fn decide(&self, direct: bool, title: Option<&Title>, members: &[Member]) -> Result<Effect, Refusal> {
        let role_of = |user| members.iter().find(|member| member.user_id == user).map(|member| member.role);
        let role = role_of(self.actor).ok_or(Refusal::NotAMember)?;
        let leaves = self.edit == Edit::Remove(self.actor);
        match self.edit {
            Edit::Add(_) | Edit::Remove(_) if direct => return Err(Refusal::DirectConversation),
            // Both of a 1-on-1 are alike.
            Edit::Rename(_) if direct => {}
            _ if role == Role::Member && !leaves => return Err(Refusal::NotAnOwner),
            _ => {}
        }
        Ok(match &self.edit {
            Edit::Rename(new) if new.as_ref() == title => Effect::default(),
            Edit::Rename(new) => Effect { title: Some(new.clone()), ..Effect::default() },
            Edit::Add(users) => {
                let added: Vec<UserId> = users.iter().copied().filter(|user| role_of(*user).is_none()).collect();
                if members.len() + added.len() > MAX_MEMBERS {
                    return Err(Refusal::field("user_ids", format!("would make more than {MAX_MEMBERS} members")));
                }
                Effect { added, ..Effect::default() }
            }
            Edit::Remove(user) => {
                role_of(*user).ok_or(Refusal::NoSuchMember)?;
                let rest = || members.iter().filter(|member| member.user_id != *user);
                let orphaned = rest().all(|member| member.role == Role::Member);
                let eldest = rest().min_by_key(|member| (member.joined_at, member.user_id));
                let promoted = eldest.filter(|_| orphaned).map(|member| member.user_id);
                Effect { removed: Some(*user), promoted, ..Effect::default() }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Clock;

    fn members(roles: &[Role]) -> Vec<Member> {
        let start = Clock::system().now();
        let at = |place: usize| start + chrono::Duration::seconds(place as i64);
        roles.iter().enumerate().map(|(i, role)| Member { user_id: UserId::fresh(), role: *role, joined_at: at(i) }).collect()
    }

    fn decide(actor: UserId, edit: Edit, direct: bool, members: &[Member]) -> Result<Effect, Refusal> {
        let title = Title::parse("now").unwrap();
        ConversationEdit { id: ConversationId::fresh(), actor, edit }.decide(direct, title.as_ref(), members)
    }

    #[test]
    fn owners_change_and_members_leave() {
        let all = members(&[Role::Owner, Role::Member, Role::Member]);
        let [owner, member, other] = [0, 1, 2].map(|i| all[i].user_id);
        let new = UserId::fresh();
        let refused = |actor, edit| decide(actor, edit, false, &all).unwrap_err();
        for edit in [Edit::Rename(None), Edit::Add(vec![new]), Edit::Remove(other)] {
            assert_eq!(refused(member, edit.clone()), Refusal::NotAnOwner);
            assert_eq!(refused(new, edit.clone()), Refusal::NotAMember);
            assert!(!decide(owner, edit, false, &all).unwrap().is_empty());
        }
        assert_eq!(decide(member, Edit::Remove(member), false, &all).unwrap().removed, Some(member));
        assert_eq!(refused(owner, Edit::Remove(new)), Refusal::NoSuchMember);
        assert_eq!(decide(owner, Edit::Add(vec![member, new]), false, &all).unwrap().added, [new]);
        assert!(decide(owner, Edit::Add(vec![member]), false, &all).unwrap().is_empty());
        assert!(decide(owner, Edit::Rename(Title::parse("now").unwrap()), false, &all).unwrap().is_empty());
    }

    #[test]
    fn a_one_on_one_keeps_its_two() {
        let all = members(&[Role::Owner, Role::Member]);
        let [owner, member] = [0, 1].map(|i| all[i].user_id);
        for edit in [Edit::Add(vec![UserId::fresh()]), Edit::Remove(member), Edit::Remove(owner)] {
            assert_eq!(decide(owner, edit, true, &all).unwrap_err(), Refusal::DirectConversation);
        }
        assert!(decide(member, Edit::Rename(None), true, &all).is_ok());
    }

    #[test]
    fn somebody_always_owns_it() {
        let all = members(&[Role::Member, Role::Owner, Role::Member, Role::Owner]);
        let ids: Vec<UserId> = all.iter().map(|member| member.user_id).collect();
        let leave = |who: usize, among: &[Member]| decide(ids[who], Edit::Remove(ids[who]), false, among).unwrap().promoted;
        assert_eq!(leave(1, &all), None, "there is another owner");
        assert_eq!(leave(1, &all[..3]), Some(ids[0]), "whoever is there longest");
        assert_eq!(leave(1, &all[1..2]), None, "nobody is left");
    }

    #[test]
    fn members_are_bounded() {
        let all = members(&vec![Role::Owner; MAX_MEMBERS - 1]);
        let two = vec![UserId::fresh(), UserId::fresh()];
        assert!(decide(all[0].user_id, Edit::Add(two[..1].to_vec()), false, &all).is_ok());
        assert_eq!(decide(all[0].user_id, Edit::Add(two), false, &all).unwrap_err().fields()[0].field, "user_ids");
    }
}
