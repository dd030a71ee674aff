/* SPDX-License-Identifier: MIT
 * test_list.c - the list whose links lie inside its members.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include "core/base/list.h"

struct member {
    int number;
    struct list link;
};

#define MEMBERS 5

static void fill(struct list *head, struct member members[MEMBERS])
{
    list_init(head);
    for (int i = 0; i < MEMBERS; i++) {
        members[i].number = i;
        list_add_last(head, &members[i].link);
    }
}

static int number_of(struct list *link)
{
    return LIST_MEMBER(link, struct member, link)->number;
}

START_TEST(an_initialised_head_is_empty)
{
    struct list head;
    list_init(&head);
    ck_assert(list_empty(&head));
    ck_assert_ptr_null(list_take_first(&head));
}
END_TEST

START_TEST(members_come_out_in_the_order_they_went_in)
{
    struct list head;
    struct member members[MEMBERS];
    fill(&head, members);
    for (int i = 0; i < MEMBERS; i++) {
        ck_assert(!list_empty(&head));
        ck_assert_int_eq(number_of(list_take_first(&head)), i);
    }
    ck_assert(list_empty(&head));
}
END_TEST

START_TEST(a_member_leaves_from_the_middle)
{
    struct list head;
    struct member members[MEMBERS];
    fill(&head, members);
    list_remove(&members[2].link);
    int expected[] = {0, 1, 3, 4}, i = 0;
    LIST_EACH(link, &head)
    ck_assert_int_eq(number_of(link), expected[i++]);
    ck_assert_int_eq(i, 4);
}
END_TEST

START_TEST(a_second_removal_is_harmless)
{
    struct list head;
    struct member members[MEMBERS];
    fill(&head, members);
    list_remove(&members[0].link);
    list_remove(&members[1].link);
    list_remove(&members[0].link); /* what were its neighbours are so no more */
    ck_assert_int_eq(number_of(head.next), 2);
    ck_assert_int_eq(number_of(head.prev), 4);
}
END_TEST

START_TEST(a_taken_member_can_join_another_list)
{
    struct list head, other;
    struct member members[MEMBERS];
    fill(&head, members);
    list_init(&other);
    list_add_last(&other, list_take_first(&head));
    ck_assert_int_eq(number_of(list_take_first(&other)), 0);
    ck_assert_int_eq(number_of(list_take_first(&head)), 1);
}
END_TEST

START_TEST(a_walk_allows_its_member_to_leave)
{
    struct list head;
    struct member members[MEMBERS];
    fill(&head, members);
    int seen = 0;
    LIST_EACH(link, &head)
    {
        ck_assert_int_eq(number_of(link), seen++);
        list_remove(link);
    }
    ck_assert_int_eq(seen, MEMBERS);
    ck_assert(list_empty(&head));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("list");
    suite_add(suite, an_initialised_head_is_empty);
    suite_add(suite, members_come_out_in_the_order_they_went_in);
    suite_add(suite, a_member_leaves_from_the_middle);
    suite_add(suite, a_second_removal_is_harmless);
    suite_add(suite, a_taken_member_can_join_another_list);
    suite_add(suite, a_walk_allows_its_member_to_leave);
    return support_main(suite);
}
